"""A function of the user's own that makes the model."""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from unsee.classifiers.classifier import Classifier
from unsee.errors import InputError
from unsee.sources._own import OwnModel, imported

__all__ = ["Factory"]


@dataclass(frozen=True)
class Factory(OwnModel):
    """Your own code: package.module:function, which returns a torch module or a Classifier."""

    argument: ClassVar[str] = "MODULE:FUNCTION"

    def load(self, argument: str) -> Classifier:
        """Import, call, wrap; a module is put into evaluation mode."""
        made = imported(argument)()
        if isinstance(made, Classifier):
            return made
        if not isinstance(made, nn.Module):
            raise InputError(
                f"{argument}: expected it to return a module or a Classifier, "
                f"got {type(made).__name__}"
            )
        return Classifier(made.eval(), name=argument, **self.feeding())
