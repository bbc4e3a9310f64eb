"""Convert photos, class names and budgets of a user to tensors and numbers."""

from collections.abc import Sequence
from numbers import Integral
from os import PathLike, fsdecode
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from unsee.classifiers.classifier import Classifier
from unsee.classifiers.outputs import Outputs
from unsee.classifiers.passes import has_values
from unsee.errors import InputError, shown, unknown
from unsee.images import reading
from unsee.images.framing import Photo
from unsee.types import Images, Size, Targets

Picture = str | PathLike[str] | Image.Image | NDArray[np.generic] | Tensor
"""A photo (a path, a PIL image or an array) of any size, or a tensor (c, h, w)."""

Classes = Targets | NDArray[np.generic] | np.generic | Sequence[int | str | np.generic] | int | str
"""A class for all images or one for each, by number or name."""

BUDGETS = {"fast": 300, "balanced": 860, "best": 3200}
"""Passes through the network for each photo."""

Budget = int | str
"""A number of passes, or one of the names above."""


class Photos(NamedTuple):
    """A batch of images for a classifier."""

    images: Images
    sizes: list[Size | None]
    """Height and width of each photo before it was framed; None for a tensor, which was not."""


def as_images(images: Tensor | Picture | Sequence[Picture], classifier: Classifier) -> Photos:
    """Return a batch (b, c, h, w) of images for the classifier.

    Photos are brought to the size of its input; tensors are taken as they are.

    Raises:
        InputError: There is no image, a photo cannot be read, or tensors differ in shape.
    """
    if isinstance(images, Tensor):
        return _unframed(images[None] if images.ndim == 3 else images)
    several: list[Any] = [images]
    if isinstance(images, Sequence) and not isinstance(images, str):
        several = list(images)
    if not several:
        raise InputError("expected at least one image, got none")
    tensors = [image for image in several if isinstance(image, Tensor)]
    if not tensors:
        photos = [_photo(image, classifier) for image in several]
        shown = torch.cat([classifier.framing.show(photo) for photo in photos])
        return Photos(shown, [(photo.shape[-2], photo.shape[-1]) for photo in photos])
    if len(tensors) < len(several):
        raise InputError("expected photos or tensors, got both; tensors are not resized or cropped")
    if len({(image.shape, image.dtype, image.device) for image in tensors}) > 1:
        raise InputError("expected tensors of one shape (c, h, w), type and device")
    return _unframed(torch.stack(tensors))


def _unframed(images: Tensor) -> Photos:
    return Photos(images, [None] * (len(images) if images.ndim else 0))


def _photo(image: object, classifier: Classifier) -> Photo:
    """Read a photo with as many channels as the classifier's input."""
    if isinstance(image, (Image.Image, np.ndarray)):
        photo = reading.from_array(image, classifier.channels)
    elif isinstance(image, (str, PathLike)):
        photo = reading.read(fsdecode(image), classifier.channels).pixels
    else:
        raise InputError(
            f"expected a photo as a path, a PIL image, an array or a tensor, got {shown(image)}"
        )
    if not photo.numel():
        raise InputError("expected a photo with pixels, got one of size 0")
    return photo


def own_copy(images: Images, device: torch.device) -> Images:
    """Return images as float32 on a device, detached; to a GPU from pinned memory, without waiting.

    Tensors of inference mode are copied, since no gradient is taken by them.
    """
    if images.is_complex() or not has_values(images):
        kind = f"{images.dtype}, {images.layout} on {images.device}"
        raise InputError(f"expected pixels in [0, 1] as floats, got {kind}")
    images = images.detach()
    images = (images.clone() if images.is_inference() else images).float()
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
    targets = _class_list("top1" if targets is None else targets, len(logits))
    if "top1" in targets and classifier.kind is Outputs.REGRESSION and logits.shape[1] > 1:
        raise InputError("a regression predicts no class; name the output with targets")
    indices = []
    for target, row in zip(targets, logits, strict=True):
        name = target if isinstance(target, str) else int(target)
        index = int(row.argmax()) if name == "top1" else classifier.index(name)
        if not 0 <= index < logits.shape[1]:
            raise InputError(f"class {index} is not in 0..{logits.shape[1] - 1}")
        indices.append(index)
    return torch.tensor(indices, device=logits.device)


def _class_list(targets: Classes, count: int) -> Sequence[Any]:
    """Return one class, by number or by name, for each of `count` images."""
    if isinstance(targets, Tensor) and not has_values(targets):
        kind = f"{targets.dtype}, {targets.layout} on {targets.device}"
        raise InputError(f"expected classes by number or name, got {kind}")
    if isinstance(targets, (Tensor, np.ndarray, np.generic)):
        targets = targets.tolist()
    if isinstance(targets, (int, str)):
        targets = [targets] * count
    if not isinstance(targets, Sequence) or not all(
        isinstance(target, (int, str, np.integer)) and not isinstance(target, bool)
        for target in targets
    ):
        raise InputError(f"expected classes by number or name, got {shown(targets)}")
    if len(targets) != count:
        raise InputError(f"expected {count} targets, one for each image, got {len(targets)}")
    return targets


def whole_number(name: str, value: object, least: int | None = None) -> int:
    """Return an argument that is an integer, at least `least`; raise `InputError` if it is not."""
    number = int(value) if isinstance(value, Integral) and not isinstance(value, bool) else None
    if number is None or abs(number) >= 2**63:
        raise InputError(f"expected {name} as a whole number, got {shown(value)}")
    if least is not None and number < least:
        raise InputError(f"expected {name} >= {least}, got {number}")
    return number


def passes_of(budget: Budget) -> int:
    """Return the number of passes that a budget stands for.

    Raises:
        InputError: It is neither the name of a budget nor a positive number.
    """
    if isinstance(budget, str) and budget.isascii() and budget.isdigit() and len(budget) < 19:
        return whole_number("budget", int(budget), 1)
    if isinstance(budget, str):
        if budget not in BUDGETS:
            raise unknown("budget", budget, [*BUDGETS, "or a number of passes"])
        return BUDGETS[budget]
    return whole_number("budget", budget, 1)
