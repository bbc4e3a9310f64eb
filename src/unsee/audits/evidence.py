"""Cut the evidence of maps into connected regions."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from unsee.masking import masks
from unsee.saliency import base_level

MARGIN = 0.15
"""Margin around a region in its crop, as a share of the region's longer side."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """A connected region of the highest-ranked pixels of one photo, in the classifier's pixels."""

    photo: str
    """Id of the photo."""
    target: int
    """Class that is explained."""
    region: Bool[Tensor, "h w"]
    """Pixels of the region."""
    weight: float
    """Share of the evidence of the photo's top pixels that lies in the region."""
    inside: float | None = None
    """Share of the region that lies on the labelled object; None without a label."""

    @property
    def box(self) -> tuple[int, int, int, int]:
        """The region's tight box: x1, y1, x2, y2, the last two exclusive."""
        rows, columns = (self.region.any(axis).nonzero()[:, 0] for axis in (1, 0))
        return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1

    @property
    def crop(self) -> tuple[int, int, int, int]:
        """A square around the region with a margin, within the photo: x1, y1, x2, y2."""
        x1, y1, x2, y2 = self.box
        h, w = self.region.shape
        side = min(round(max(x2 - x1, y2 - y1) * (1 + 2 * MARGIN)) + 1, h, w)
        left = min(max((x1 + x2 - side) // 2, 0), w - side)
        top = min(max((y1 + y2 - side) // 2, 0), h - side)
        return left, top, left + side, top + side

    @property
    def touches_border(self) -> bool:
        """Whether the region reaches the border of the photo."""
        x1, y1, x2, y2 = self.box
        h, w = self.region.shape
        return x1 == 0 or y1 == 0 or x2 == w or y2 == h


def cut(
    saliency: Float[Tensor, "h w"], share: float, *, at_most: int, least: float
) -> list[tuple[Bool[Tensor, "h w"], float]]:
    """Return the connected regions of the highest-ranked pixels, and the weight of each.

    Args:
        saliency: Map of a photo.
        share: Share of the pixels that is cut.
        at_most: Number of regions, those of the largest weight.
        least: Smallest weight of a region: share of the evidence of these pixels.

    Returns:
        Regions with their weights, the largest first. None for a constant map.
    """
    from skimage.measure import label

    if saliency.max() == saliency.min():
        return []
    top = masks.top_share(saliency[None], share)[0, 0, 0] > 0
    numbers = torch.from_numpy(label(top.cpu().numpy(), connectivity=2))
    evidence = (saliency.cpu() - base_level(saliency.cpu())).clamp(min=0) * top.cpu()
    total = float(evidence.sum())
    weights = np.bincount(numbers.numpy().ravel(), evidence.numpy().ravel()) / max(total, 1e-12)
    order = [number for number in np.argsort(-weights, kind="stable") if number > 0]
    regions = [(numbers == int(n), float(weights[n])) for n in order[:at_most]]
    return [(region, weight) for region, weight in regions if weight >= least]
