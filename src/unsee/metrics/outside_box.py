"""How much of the mask lies outside of the object's box."""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from unsee.masking.score import MaskedScore
from unsee.metrics._boxes import on_objects
from unsee.metrics.base import Context, Metric
from unsee.types import Saliency

__all__ = ["OutsideBox"]


@dataclass(frozen=True)
class OutsideBox(Metric):
    """Share of the pixels above a level that lie outside of the object (FIDO, Figure 5).

    FIDO's maps are probabilities and its mask is where they exceed 1/2.
    """

    higher_is_better: ClassVar[bool] = False
    needs_truth: ClassVar[bool] = True

    level: float = 0.5
    """Above which a pixel belongs to the mask."""

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """NaN where no object is labelled, or the mask is empty."""

        def share(one: Tensor, inside: Tensor) -> float:
            mask = one > self.level
            return ((mask & ~inside).sum() / mask.sum()).item()  # NaN for an empty mask

        return on_objects(saliency, context.truths, share)
