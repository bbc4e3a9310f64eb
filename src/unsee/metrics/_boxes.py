"""From maps to boxes, and how well boxes agree."""

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from unsee.errors import InputError
from unsee.masking import masks
from unsee.metrics.base import Truth
from unsee.types import Saliency

Threshold = Literal["max", "mean", "energy", "minmax", "share"]


def check_alpha(metric: str, threshold: Threshold, alpha: float) -> None:
    """Refuse an alpha at which the threshold means nothing."""
    top = float("inf") if threshold == "mean" else 1.0
    if not 0 <= alpha <= top:
        raise InputError(f"{metric}: expected 0 <= alpha <= {top:g}, got {alpha}")


def above(
    saliency: Float[Tensor, "h w"], threshold: Threshold, alpha: float
) -> Bool[Tensor, "h w"]:
    """The pixels that count as the object.

    max: at least alpha times the maximum; mean: at least alpha times the mean; minmax: at least
    alpha of the way from the minimum to the maximum; energy: the fewest pixels that hold alpha of
    the sum; share: the share that is the mean of the map (CASM; alpha scales it). The last two
    order equal pixels as all rankings do, by a seeded shuffle.
    """
    if threshold == "max":
        return saliency >= alpha * saliency.max()
    if threshold == "mean":
        return saliency >= alpha * saliency.mean()
    if threshold == "minmax":
        low, high = saliency.aminmax()
        return saliency >= low + alpha * (high - low)
    flat = saliency.clamp(min=0).flatten()
    place = masks.ranks(saliency[None])[0]
    count = alpha * flat.clamp(max=1).mean() * len(flat)
    if threshold == "energy":
        rising = flat.double()[place.argsort()].cumsum(0)
        count = (rising < alpha * rising[-1]).sum() + (alpha * rising[-1] > 0)
    return (place < count.round()).view_as(saliency)


def extent(inside: Bool[Tensor, "h w"]) -> Float[Tensor, " 4"] | None:
    """The tight box x1, y1, x2, y2 around all pixels; None if there are none."""
    rows, columns = inside.any(1).nonzero()[:, 0], inside.any(0).nonzero()[:, 0]
    if not len(rows):
        return None
    ends = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    return torch.stack(ends).float()


def largest(inside: Bool[Tensor, "h w"]) -> Bool[Tensor, "h w"]:
    """The largest 4-connected part."""
    from skimage.measure import label

    numbered = torch.from_numpy(label(inside.cpu().numpy(), connectivity=1)).to(inside.device)
    sizes = torch.bincount(numbered.flatten())
    if len(sizes) < 2:
        return inside
    found: Bool[Tensor, "h w"] = numbered == sizes[1:].argmax() + 1
    return found


def overlap(box: Float[Tensor, " 4"], boxes: Float[Tensor, "n 4"]) -> Float[Tensor, " n"]:
    """Intersection over union with each box."""
    ours, theirs = box[None], boxes.to(box)
    low, high = torch.maximum(ours[:, :2], theirs[:, :2]), torch.minimum(ours[:, 2:], theirs[:, 2:])
    both = (high - low).clamp(min=0).prod(1)
    areas = [(b[:, 2:] - b[:, :2]).clamp(min=0).prod(1) for b in (ours, theirs)]
    return both / (areas[0] + areas[1] - both).clamp(min=1e-9)


def union(boxes: Float[Tensor, "n 4"], size: tuple[int, int]) -> Bool[Tensor, "_h _w"]:
    """The pixels whose centres lie in any box."""
    y, x = (torch.arange(side, device=boxes.device) + 0.5 for side in size)
    x1, y1, x2, y2 = (edge[:, None] for edge in boxes.unbind(1))
    rows, columns = (y >= y1) & (y < y2), (x >= x1) & (x < x2)
    return (rows[:, :, None] & columns[:, None]).any(0)


def place(truth: Truth, like: Float[Tensor, "h w"]) -> Bool[Tensor, "h w"] | None:
    """The object's pixels, by its mask or its boxes; None where nothing of it is in view."""
    inside = (
        truth.mask if truth.mask is not None else union(truth.boxes, (like.shape[0], like.shape[1]))
    )
    return inside.to(like.device) if inside.any() else None


def box_around(
    saliency: Float[Tensor, "h w"], threshold: Threshold, alpha: float, component: bool
) -> Float[Tensor, " 4"] | None:
    """The tight box around what is above a threshold, or around the largest part of it."""
    inside = above(saliency, threshold, alpha)
    return extent(largest(inside) if component else inside)


def on_objects(
    saliency: Saliency,
    truths: Sequence[Truth],
    rate: Callable[[Tensor, Tensor], float],
) -> Float[Tensor, " b"]:
    """A number for each map (h, w) and its object's pixels (h, w); NaN where none are known."""
    numbers = []
    for one, truth in zip(saliency, truths, strict=True):
        inside = place(truth, one)
        numbers.append(torch.nan if inside is None else rate(one, inside))
    return saliency.new_tensor(numbers)
