"""Read saliency maps of any library, check them and scale them."""

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from unsee.errors import InputError
from unsee.types import Images, Saliency

SaliencyLike = Tensor | NDArray[Any] | Sequence[Tensor] | Sequence[NDArray[Any]]
"""Saliency maps as a tensor, an array or a list of either; `as_saliency` lists the shapes."""

MaskSource = Literal["rescaled", "raw"]
"""How a map becomes a soft mask; `as_mask` describes the two."""


MOST_CHANNELS = 4
"""Largest number of channels of maps without images."""


def as_saliency(maps: SaliencyLike, images: Images | None = None) -> Saliency:
    """Return saliency maps as one floating-point tensor (b, h, w).

    Args:
        maps: Tensor or array (b, h, w), as from unsee or pytorch-grad-cam; (b, c, h, w), as from
            Captum, or (b, h, w, c), whose channels are summed: one, or as many as the images have,
            or up to four without `images`, the second axis first; a list of b maps (h, w); or a
            list of one array (b, h, w), as from torch-cam.
        images: The explained images. If present, the maps get their device and dtype, and maps
            that are smaller than the images, with the same proportions up to the rounding of
            sides, are resized bilinearly to their height and width. If absent, the maps keep their
            size and device, and float32 replaces all dtypes except float32 and float64.

    Raises:
        InputError: For other shapes, for NaN or infinity, and for values that are not numbers.
    """
    values = _as_tensor(maps).detach()
    if images is not None:
        values = values.to(images)
    elif values.dtype not in (torch.float32, torch.float64):
        values = values.float()
    if values.ndim == 4:
        most = range(1, MOST_CHANNELS + 1)
        values = _sum_of_channels(values, most if images is None else (1, images.shape[1]))
    if images is None:
        if values.ndim != 3 or not values.numel():
            raise InputError(f"expected maps of shape (b, h, w), got {tuple(values.shape)}")
        _check_finite(values)
        return values
    size, target_size = tuple(values.shape[-2:]), tuple(images.shape[-2:])
    if values.ndim == 3 and len(values) == len(images) and size != target_size:
        if not _is_reduced(size, target_size):
            raise InputError(
                f"expected maps of shape {(len(images), *target_size)}, or smaller ones in the "
                f"proportions of the images, got {tuple(values.shape)}"
            )
        values = F.interpolate(values[:, None], target_size, mode="bilinear")[:, 0]
    check_map(values, images)
    return values


def _sum_of_channels(values: Tensor, counts: Sequence[int]) -> Tensor:
    """Sum maps (b, c, h, w) or (b, h, w, c) over their channels, of which there may be `counts`."""
    for axis in (1, 3):
        if values.shape[axis] in counts:
            return values.sum(axis)
    expected = " or ".join(map(str, dict.fromkeys(counts)))
    raise InputError(
        f"expected maps of shape (b, h, w), or with {expected} channels as second or last axis, "
        f"got {tuple(values.shape)}: sum over other channels first"
    )


def _is_reduced(size: tuple[int, ...], target: tuple[int, ...]) -> bool:
    """Return whether one factor reduces the sides of `target` to `size`, rounded up or down."""
    pairs = list(zip(size, target, strict=True))
    least = max(large / (small + 1) for small, large in pairs)
    most = min(large / (small - 1) if small > 1 else math.inf for small, large in pairs)
    return all(0 < small <= large for small, large in pairs) and least < most


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


def span(saliency: Saliency) -> Float[Tensor, " b"]:
    """Return the range of each map, by which one may divide: 1 for a constant map."""
    low, high = saliency.flatten(1).aminmax(dim=1)
    return (high - low).where(high > low, 1.0)


def rescale(saliency: Saliency) -> Saliency:
    """Scale each map linearly so that its minimum is 0 and its maximum is 1.

    A constant map becomes 0 everywhere.
    """
    low = saliency.flatten(1).amin(1)
    return (saliency - low[:, None, None]) / span(saliency)[:, None, None]


def base_level(saliency: Float[Tensor, "h w"]) -> float:
    """Return the value of a map that stands for no evidence.

    Zero for a map with values on both sides of it, or with a value of zero. The minimum for others:
    a map of log-odds or of a regression may lie below zero, or above it, as a whole.
    """
    low, high = (value.item() for value in saliency.aminmax())
    return 0.0 if low <= 0 <= high else low


def with_positive_values(saliency: Float[Tensor, "h w"]) -> Float[Tensor, "h w"]:
    """Return a map for rules that count from zero.

    A map without a positive value is moved so that its minimum is zero; others are unchanged.
    """
    return saliency if (saliency > 0).any() else saliency - saliency.min()


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
