"""Scatter: into how many regions the top of a map falls."""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from unsee.errors import InputError
from unsee.masking import masks
from unsee.masking.score import MaskedScore
from unsee.metrics.base import Context, Metric
from unsee.types import Saliency

__all__ = ["Scatter"]


@dataclass(frozen=True)
class Scatter(Metric):
    """Number of 4-connected regions of the top share of the pixels.

    How scattered a map is, of which Chang et al. (ICLR 2019, section 4.2) speak without a number.
    """

    higher_is_better: ClassVar[bool] = False
    compares: ClassVar[bool] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, float("inf"))

    share: float = 0.15
    """Of the pixels, best first."""

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise InputError(f"scatter: expected a share in (0, 1], got {self.share}")

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Of each map; ties go by the seeded order of all rankings."""
        from skimage.measure import label

        tops = masks.top_share(saliency, self.share)[:, 0, 0].cpu().numpy()
        counts = [float(label(top, connectivity=1, return_num=True)[1]) for top in tops]
        return saliency.new_tensor(counts)
