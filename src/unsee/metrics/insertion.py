"""Insertion: how fast the probability rises while the highest-ranked pixels are shown."""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from unsee.masking.score import MaskedScore
from unsee.metrics import _curves
from unsee.metrics.base import Context, Metric
from unsee.types import Saliency

__all__ = ["Insertion"]


@dataclass(frozen=True)
class Insertion(Metric):
    """Area under the probability while the highest-ranked pixels are shown first.

    In [0, 1], with two exceptions. `igos-released` may exceed 1 by the width of its last step, and
    `infill` is in [-1, 2] and NaN where removing everything does not lower the log-odds.

    Reference: Petsiuk et al., 2018, RISE: randomized input sampling for explanation of black-box
    models, BMVC, https://arxiv.org/abs/1806.07421
    """

    higher_is_better: ClassVar[bool] = True
    needs_probability: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (-1.0, 2.0)

    protocol: str = "rise"
    """Order, steps, replacement of hidden pixels, and area: a name of `_curves.PROTOCOLS`."""

    def __post_init__(self) -> None:
        _curves.protocol_named(self.protocol)

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Return the area of each image."""
        return _curves.area(score, saliency, self.protocol, "insertion")
