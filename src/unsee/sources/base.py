"""What a source of classifiers is."""

from abc import ABC, abstractmethod
from typing import ClassVar

from unsee.classifiers.classifier import Classifier


class Source(ABC):
    """Loads classifiers. Final subclasses are frozen dataclasses of settings.

    `SOURCE:ARGUMENT` names a classifier; a source without an argument is one by itself.
    """

    argument: ClassVar[str] = ""
    """What stands behind the colon, for help texts: NAME, PATH."""

    @abstractmethod
    def load(self, argument: str) -> Classifier:
        """The classifier in evaluation mode, on the CPU, with its own preprocessing and labels.

        Raises `InputError` where it cannot be had.
        """
