"""Saliency maps of other libraries, as ours."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from unsee.errors import InputError
from unsee.types import Images, Saliency

Maps = Tensor | NDArray[Any] | Sequence[Tensor] | Sequence[NDArray[Any]]
"""(b, h, w) as ours and grad-cam's, (b, c, h, w) as Captum's, coarser ones as torch-cam's."""


def as_saliency(maps: Maps, images: Images) -> Saliency:
    """One number for each pixel of each image, where the images are.

    Tensors, arrays, a list of maps (h, w), or a list of one layer (b, h, w) as torch-cam gives it.
    Channels are added up; maps that are coarser than the images are resized, bilinearly.
    Raises `InputError` for other shapes, for NaN and for what is no map.
    """
    found = _tensor(maps).detach().to(images)
    if found.ndim == 4:
        found = found.sum(1)
    sides, wanted = tuple(found.shape[-2:]), tuple(images.shape[-2:])
    coarser = all(0 < ours <= theirs for ours, theirs in zip(sides, wanted, strict=False))
    if found.ndim == 3 and len(found) == len(images) and sides != wanted and coarser:
        found = F.interpolate(found[:, None], wanted, mode="bilinear")[:, 0]
    check_map(found, images)
    return found


def _tensor(maps: Maps) -> Tensor:
    if isinstance(maps, Tensor):
        return maps
    try:
        if isinstance(maps, np.ndarray):
            return torch.from_numpy(maps)
        if not isinstance(maps, list | tuple):
            raise TypeError("no maps")
        parts = [_tensor(part) for part in maps]
        if len(parts) == 1 and parts[0].ndim > 2:
            return parts[0]
        if any(part.ndim != 2 for part in parts):
            raise ValueError(f"a list of {len(parts)} that are no maps (h, w)")
        return torch.stack(parts)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            f"expected maps as a tensor or an array (b, h, w), got {type(maps).__name__}: {error}"
        ) from error


def check_map(saliency: Tensor, images: Tensor) -> None:
    """Refuse maps that are not one finite number for each pixel of each image."""
    wanted = (len(images), *images.shape[-2:])
    if tuple(saliency.shape) != wanted:
        raise InputError(f"expected maps of shape {wanted}, got {tuple(saliency.shape)}")
    if not saliency.isfinite().all():
        raise InputError("expected finite maps, got NaN or infinity")
