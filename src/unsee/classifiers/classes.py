"""The number of a classifier's classes."""

from contextlib import suppress

import torch

from unsee.classifiers.checks import NotFiniteError
from unsee.classifiers.classifier import Classifier


def classes_of(classifier: Classifier) -> int | None:
    """Return the number of a classifier's classes, with a pass unless it has had one.

    None for a network that returns no finite numbers for the picture of the pass.

    Raises:
        InputError: It cannot take a picture, or has names for another number of classes.
    """
    if not classifier.columns:
        height, width = classifier.framing.size
        ramp = torch.linspace(0, 1, height * width, device=classifier.device)
        with suppress(NotFiniteError):
            classifier.predict(
                ramp.reshape(1, 1, height, width).repeat(1, classifier.channels, 1, 1)
            )
    return classifier.kind.classes(classifier.columns) if classifier.columns else None
