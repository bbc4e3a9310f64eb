"""Interface of sources of classifiers."""

from abc import ABC, abstractmethod
from typing import ClassVar

from unsee.classifiers.classifier import Classifier


class Source(ABC):
    """Loads classifiers; subclasses are frozen dataclasses of settings.

    `SOURCE:ARGUMENT` names a classifier; a source without an argument is one classifier.
    """

    argument: ClassVar[str] = ""
    """Placeholder of the argument in help texts, such as NAME or PATH."""

    @abstractmethod
    def load(self, argument: str) -> Classifier:
        """Return the classifier in evaluation mode, on the CPU, with preprocessing and labels.

        Raises:
            InputError: The classifier does not exist or cannot be loaded.
        """
