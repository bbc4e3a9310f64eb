"""Methods that are trained networks."""

from abc import abstractmethod

from unsee.masking.score import MaskedScore
from unsee.methods._decoded import OnePassNetwork
from unsee.methods.base import Method


class OnePassMethod(Method):
    """A method whose map is the result of a trained network, in one pass for each image."""

    @abstractmethod
    def network(self, score: MaskedScore) -> OnePassNetwork:
        """Return the network that makes the maps; its weights are loaded and checked.

        Raises:
            InputError: The weights are missing, or are for another classifier, or this setting
                makes a map in another manner.
        """
