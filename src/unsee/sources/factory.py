"""A function of the user that makes a model."""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from unsee.classifiers.classifier import Classifier
from unsee.classifiers.passes import in_evaluation
from unsee.errors import InputError
from unsee.sources._custom import CustomModel, call

__all__ = ["Factory"]


@dataclass(frozen=True)
class Factory(CustomModel):
    """Your own code: package.module:function, which returns a torch module or a Classifier."""

    argument: ClassVar[str] = "MODULE:FUNCTION"

    def load(self, argument: str) -> Classifier:
        """Import and call the function; a module is put into evaluation mode and wrapped."""
        model = call(argument)
        if isinstance(model, Classifier):
            return self.applied_to(model)
        if not isinstance(model, nn.Module):
            raise InputError(
                f"{argument}: expected a function that returns a module or a Classifier, "
                f"got {type(model).__name__}"
            )
        return Classifier(in_evaluation(model), name=argument, **self.classifier_arguments())
