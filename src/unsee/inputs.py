"""Convert photos and class names to tensors."""

from collections.abc import Sequence
from os import PathLike

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from unsee.classifiers.classifier import Classifier
from unsee.errors import InputError
from unsee.images import reading
from unsee.types import Images, Targets

Picture = str | PathLike[str] | Image.Image | NDArray[np.generic] | Tensor
"""A photo (a path, a PIL image or an array) of any size, or a tensor (c, h, w)."""

Classes = Targets | NDArray[np.generic] | np.generic | Sequence[int | str | np.generic] | int | str
"""A class for all images or one for each, by number or name."""


def as_images(images: Tensor | Picture | Sequence[Picture], classifier: Classifier) -> Images:
    """Return a batch (b, c, h, w) of images for the classifier.

    Photos are brought to the size of its input; tensors are taken as they are.

    Raises:
        InputError: There is no image, a photo cannot be read, or tensors differ in shape.
    """
    if isinstance(images, Tensor):
        return images[None] if images.ndim == 3 else images
    several = images if isinstance(images, Sequence) and not isinstance(images, str) else [images]
    if several and all(isinstance(image, Tensor) for image in several):
        if len({image.shape for image in several}) > 1:  # type: ignore[union-attr]
            raise InputError("expected tensors of one shape (c, h, w)")
        return torch.stack(list(several))  # type: ignore[arg-type]
    framed = []
    for image in several:
        if isinstance(image, (Image.Image, np.ndarray)):
            photo = reading.from_array(image, classifier.channels)
        else:
            photo = reading.read(str(image), classifier.channels).pixels
        framed.append(classifier.framing.show(photo))
    if not framed:
        raise InputError("expected at least one image, got none")
    return torch.cat(framed)


def to_device(images: Images, device: torch.device) -> Images:
    """Move images to a device; to a GPU from pinned memory, without waiting."""
    if device.type != "cuda" or images.device.type != "cpu":
        return images.to(device)
    return images.pin_memory().to(device, non_blocking=True)


def as_targets(
    targets: Classes | None,
    classifier: Classifier,
    logits: Tensor,
) -> Targets:
    """Return one class index for each image.

    Args:
        targets: A class for all images or one for each, by number or name; "top1" or None is the
            class with the highest logit.
        classifier: Its labels are the names of the classes.
        logits: Logits (b, classes) of the images.

    Raises:
        InputError: There is no such class, or there are more or fewer classes than images.
    """
    if targets is None:
        return logits.argmax(1)
    if isinstance(targets, (Tensor, np.ndarray, np.generic)):
        targets = targets.tolist()
    if isinstance(targets, (int, str)):
        targets = [targets] * len(logits)
    if not isinstance(targets, Sequence) or not all(
        isinstance(target, (int, str, np.integer)) for target in targets
    ):
        raise InputError(f"expected classes by number or name, got {targets!r}")
    if len(targets) != len(logits):
        raise InputError(f"expected {len(logits)} targets, one for each image, got {len(targets)}")
    indices = []
    for target, row in zip(targets, logits, strict=True):
        name = target if isinstance(target, str) else int(target)
        index = int(row.argmax()) if name == "top1" else classifier.index(name)
        if not 0 <= index < logits.shape[1]:
            raise InputError(f"class {index} is not in 0..{logits.shape[1] - 1}")
        indices.append(index)
    return torch.tensor(indices, device=logits.device)
