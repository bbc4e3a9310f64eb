"""Read saliency maps of any library, check them and scale them."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from unsee.errors import InputError
from unsee.types import Images, Saliency

SaliencyLike = Tensor | NDArray[Any] | Sequence[Tensor] | Sequence[NDArray[Any]]
"""Saliency maps as a tensor, an array or a list of either; `as_saliency` lists the shapes."""

MaskSource = Literal["rescaled", "raw"]
"""How a map becomes a soft mask; `as_mask` describes the two."""


def as_saliency(maps: SaliencyLike, images: Images | None = None) -> Saliency:
    """Return saliency maps as one floating-point tensor (b, h, w).

    Args:
        maps: Tensor or array (b, h, w), as from unsee or pytorch-grad-cam; (b, c, h, w), as from
            Captum, whose channels are summed; a list of b maps (h, w); or a list of one array
            (b, h, w), as from torch-cam.
        images: The explained images. If present, the maps get their device and dtype, and maps
            that are smaller than the images are resized bilinearly to their height and width. If
            absent, the maps keep their size and device, and float32 replaces all dtypes except
            float32 and float64.

    Raises:
        InputError: For other shapes, for NaN or infinity, and for values that are not numbers.
    """
    values = _as_tensor(maps).detach()
    if images is not None:
        values = values.to(images)
    elif values.dtype not in (torch.float32, torch.float64):
        values = values.float()
    if values.ndim == 4:
        values = values.sum(1)
    if images is None:
        if values.ndim != 3 or not values.numel():
            raise InputError(f"expected maps of shape (b, h, w), got {tuple(values.shape)}")
        _check_finite(values)
        return values
    size, target_size = tuple(values.shape[-2:]), tuple(images.shape[-2:])
    is_smaller = all(0 < side <= target for side, target in zip(size, target_size, strict=False))
    if values.ndim == 3 and len(values) == len(images) and size != target_size and is_smaller:
        values = F.interpolate(values[:, None], target_size, mode="bilinear")[:, 0]
    check_map(values, images)
    return values


def _as_tensor(maps: SaliencyLike) -> Tensor:
    if isinstance(maps, Tensor):
        return maps
    try:
        if isinstance(maps, np.ndarray):
            return torch.from_numpy(maps)
        if not isinstance(maps, list | tuple):
            raise TypeError("unsupported type")
        parts = [_as_tensor(part) for part in maps]
        if len(parts) == 1 and parts[0].ndim > 2:
            return parts[0]
        if any(part.ndim != 2 for part in parts):
            raise ValueError(f"a list of {len(parts)} arrays that are not all maps (h, w)")
        return torch.stack(parts)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            f"expected maps as a tensor or an array (b, h, w), got {type(maps).__name__}: {error}"
        ) from error


def check_map(saliency: Tensor, images: Tensor) -> None:
    """Check that maps hold one finite number for each pixel of each image.

    Raises:
        InputError: For another shape than (b, h, w) of `images`, and for NaN or infinity.
    """
    expected = (len(images), *images.shape[-2:])
    if tuple(saliency.shape) != expected:
        raise InputError(f"expected maps of shape {expected}, got {tuple(saliency.shape)}")
    _check_finite(saliency)


def _check_finite(saliency: Tensor) -> None:
    if not saliency.isfinite().all():
        rows = (~saliency.isfinite()).flatten(1).any(1).nonzero()[:, 0].tolist()
        raise InputError(f"expected finite maps, got NaN or infinity in map {rows[0]}")


def rescale(saliency: Saliency) -> Saliency:
    """Scale each map linearly so that its minimum is 0 and its maximum is 1.

    A constant map becomes 0 everywhere.
    """
    low, high = saliency.flatten(1).aminmax(dim=1)
    return (saliency - low[:, None, None]) / (high - low).clamp(min=1e-12)[:, None, None]


def as_mask(saliency: Saliency, mask: MaskSource = "rescaled") -> Saliency:
    """Return each map as a soft mask in [0, 1].

    Args:
        saliency: Maps (b, h, w).
        mask: "rescaled" scales each map by `rescale`, so that the unit of the map does not matter.
            "raw" takes maps that are masks already, such as those of CASM, as they are.

    Raises:
        InputError: With "raw" for a map outside [0, 1].
    """
    if mask == "rescaled":
        return rescale(saliency)
    low, high = (value.item() for value in saliency.aminmax())
    if low < 0 or high > 1:
        raise InputError(
            f"expected maps in [0, 1] with mask=raw, got values from {low:.3g} to {high:.3g}: "
            "mask=rescaled scales them"
        )
    return saliency
