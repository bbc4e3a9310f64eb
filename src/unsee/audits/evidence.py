"""Cut the evidence of maps into connected regions."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from unsee.masking import masks
from unsee.metrics._boxes import bounding_box
from unsee.saliency import base_level
from unsee.types import Size

Box = tuple[int, int, int, int]
"""Corners x1, y1, x2, y2, the last two exclusive."""
MARGIN = 0.15
"""Margin around a region in its crop, as a share of the region's longer side."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """A connected region of the highest-ranked pixels of one photo, in the classifier's pixels."""

    photo: str
    """Id of the photo."""
    target: int
    """Class that is explained."""
    size: Size
    """Height and width of the photo."""
    box: Box
    """The region's tight box: x1, y1, x2, y2, the last two exclusive."""
    pixels: Bool[Tensor, "_bh _bw"]
    """Pixels of the region within its box."""
    weight: float
    """Share of the evidence of the photo's top pixels that lies in the region."""
    inside: float | None = None
    """Share of the region that lies on the labelled object; None without a label."""

    @classmethod
    def of(
        cls, photo: str, target: int, region: Bool[Tensor, "h w"], weight: float,
        inside: Bool[Tensor, "h w"] | None = None,
    ) -> "Evidence":  # fmt: skip
        """Make the evidence of a region, of which only its box is kept.

        Args:
            photo: Id of the photo.
            target: Class that is explained.
            region: Pixels of the region.
            weight: Share of the evidence of the photo's top pixels.
            inside: Pixels of the labelled object, if there is one.
        """
        corners = bounding_box(region)
        assert corners is not None  # a region has pixels
        x1, y1, x2, y2 = box = tuple(corners.int().tolist())
        share = None if inside is None else float((region & inside.cpu()).sum() / region.sum())
        size = (region.shape[0], region.shape[1])
        return cls(photo, target, size, box, region[y1:y2, x1:x2].clone(), weight, share)

    @property
    def region(self) -> Bool[Tensor, "h w"]:
        """Pixels of the region on the whole photo."""
        x1, y1, x2, y2 = self.box
        whole = torch.zeros(self.size, dtype=torch.bool)
        whole[y1:y2, x1:x2] = self.pixels
        return whole

    @property
    def crop(self) -> Box:
        """A square around the region with a margin, within the photo: x1, y1, x2, y2."""
        x1, y1, x2, y2 = self.box
        h, w = self.size
        side = min(round(max(x2 - x1, y2 - y1) * (1 + 2 * MARGIN)) + 1, h, w)
        left = min(max((x1 + x2 - side) // 2, 0), w - side)
        top = min(max((y1 + y2 - side) // 2, 0), h - side)
        return left, top, left + side, top + side

    @property
    def touches_border(self) -> bool:
        """Whether the region reaches the border of the photo."""
        x1, y1, x2, y2 = self.box
        h, w = self.size
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
