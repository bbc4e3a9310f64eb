"""Threshold saliency maps, put boxes around the result and compare them with labelled objects."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor

from unsee.errors import InputError
from unsee.masking import masks
from unsee.saliency import with_positive_values
from unsee.types import Saliency, Size

Threshold = Literal["max", "mean", "energy", "minmax", "share"]
"""Rule that turns `alpha` into a threshold, see `threshold_mask`."""

Boxes = Tensor | NDArray[Any]
"""Corners x1, y1, x2, y2 of n boxes, (n, 4), in pixels of the map; x2 and y2 are exclusive."""

Region = Tensor | NDArray[Any]
"""Labelled objects of an image: a boolean mask (h, w), or boxes (n, 4)."""


def check_alpha(metric: str, threshold: Threshold, alpha: float) -> None:
    """Check the range of alpha.

    Raises:
        InputError: Unless 0 <= alpha <= 1; `threshold="mean"` has no upper limit.
    """
    top = float("inf") if threshold == "mean" else 1.0
    if not 0 <= alpha <= top:
        raise InputError(f"{metric}: expected 0 <= alpha <= {top:g}, got {alpha}")


def threshold_mask(
    saliency: Float[Tensor, "h w"], threshold: Threshold, alpha: float
) -> Bool[Tensor, "h w"]:
    """Return the pixels of a map s that count as the object.

    - `max`: s >= alpha * max(s).
    - `mean`: s >= alpha * mean(s).
    - `minmax`: s >= min(s) + alpha * (max(s) - min(s)).
    - `energy`: the fewest highest-ranked pixels that hold alpha of the sum of max(s, 0).
    - `share`: the highest-ranked pixels, as many as alpha * mean(s) of all pixels, s clipped to
      [0, 1] (Zolna et al., 2018, with alpha = 1).

    A map without a positive value counts from its minimum. `energy` and `share` order equal pixels
    by the seeded shuffle of `masks.ranks`.
    """
    saliency = with_positive_values(saliency)
    if threshold == "max":
        return saliency >= alpha * saliency.max()
    if threshold == "mean":
        return saliency >= alpha * saliency.mean()
    if threshold == "minmax":
        low, high = saliency.aminmax()
        return saliency >= low + alpha * (high - low)
    positive = saliency.clamp(min=0).flatten()
    rank = masks.ranks(saliency[None])[0]
    count = alpha * positive.clamp(max=1).mean() * len(positive)
    if threshold == "energy":
        energy = positive.double()[rank.argsort()].cumsum(0)
        count = (energy < alpha * energy[-1]).sum() + (alpha * energy[-1] > 0)
    return (rank < count.round()).view_as(saliency)


def bounding_box(mask: Bool[Tensor, "h w"]) -> Float[Tensor, " 4"] | None:
    """Return the tight box x1, y1, x2, y2 around the pixels of a mask; None for an empty mask."""
    rows, columns = mask.any(1).nonzero()[:, 0], mask.any(0).nonzero()[:, 0]
    if not len(rows):
        return None
    corners = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    return torch.stack(corners).float()


def largest_component(mask: Bool[Tensor, "h w"]) -> Bool[Tensor, "h w"]:
    """Return the largest 4-connected component of a mask; an empty mask is returned unchanged."""
    from skimage.measure import label

    labels = torch.from_numpy(label(mask.cpu().numpy(), connectivity=1)).to(mask.device)
    sizes = torch.bincount(labels.flatten())
    if len(sizes) < 2:
        return mask
    component: Bool[Tensor, "h w"] = labels == sizes[1:].argmax() + 1
    return component


def intersection_over_union(
    box: Float[Tensor, " 4"], boxes: Float[Tensor, "n 4"]
) -> Float[Tensor, " n"]:
    """Return the area of the intersection of a box with each of n boxes over that of the union."""
    first, second = box[None], boxes.to(box)
    low = torch.maximum(first[:, :2], second[:, :2])
    high = torch.minimum(first[:, 2:], second[:, 2:])
    intersection = (high - low).clamp(min=0).prod(1)
    areas = [(b[:, 2:] - b[:, :2]).clamp(min=0).prod(1) for b in (first, second)]
    return intersection / (areas[0] + areas[1] - intersection).clamp(min=1e-9)


def box_mask(boxes: Float[Tensor, "n 4"], size: Size) -> Bool[Tensor, "_h _w"]:
    """Return the pixels whose centres lie in any of the boxes."""
    y, x = (torch.arange(side, device=boxes.device) + 0.5 for side in size)
    x1, y1, x2, y2 = (edge[:, None] for edge in boxes.unbind(1))
    rows, columns = (y >= y1) & (y < y2), (x >= x1) & (x < x2)
    return (rows[:, :, None] & columns[:, None]).any(0)


def predicted_box(
    saliency: Float[Tensor, "h w"], threshold: Threshold, alpha: float, component: bool
) -> Float[Tensor, " 4"] | None:
    """Return the tight box around the thresholded map; None if no pixel reaches the threshold.

    With `component` the box is around the largest 4-connected component only.
    """
    mask = threshold_mask(saliency, threshold, alpha)
    return bounding_box(largest_component(mask) if component else mask)


def as_boxes(boxes: Boxes, saliency: Tensor) -> Float[Tensor, "n 4"]:
    """Return boxes as a tensor on the device and with the dtype of the maps.

    Raises:
        InputError: For another shape than (n, 4).
    """
    tensor = torch.as_tensor(boxes).to(saliency)
    if tensor.ndim != 2 or tensor.shape[1] != 4:
        raise InputError(f"expected boxes of shape (n, 4), got {tuple(tensor.shape)}")
    return tensor


def region_mask(region: Region, saliency: Float[Tensor, "h w"]) -> Bool[Tensor, "h w"] | None:
    """Return the pixels of an image's objects; None if no pixel is labelled.

    Raises:
        InputError: For a mask of another size than the map, and for boxes of another shape.
    """
    mask = torch.as_tensor(region)
    if mask.dtype != torch.bool:
        mask = box_mask(as_boxes(mask, saliency), (saliency.shape[0], saliency.shape[1]))
    if mask.shape != saliency.shape:
        raise InputError(
            f"expected a mask of shape {tuple(saliency.shape)}, got {tuple(mask.shape)}"
        )
    return mask.to(saliency.device) if mask.any() else None


def check_count(saliency: Tensor, labels: Sequence[object], kind: str) -> None:
    """Check that there is one label for each map.

    Raises:
        InputError: For another number of labels.
    """
    if len(labels) != len(saliency):
        raise InputError(f"expected {len(saliency)} {kind}, one per map, got {len(labels)}")


def rate_regions(
    saliency: Saliency,
    regions: Sequence[Region],
    statistic: Callable[[Tensor, Tensor], float],
) -> Float[Tensor, " b"]:
    """Return `statistic(map, mask)` for each map and the mask of its objects.

    NaN where no pixel is labelled.
    """
    check_count(saliency, regions, "regions")
    values = []
    for one_map, region in zip(saliency, regions, strict=True):
        mask = region_mask(region, one_map)
        values.append(torch.nan if mask is None else statistic(one_map, mask))
    return saliency.new_tensor(values)
