"""Insertion: how fast the probability rises as the best pixels come first."""

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
    """Area under the probability as the best pixels come first (Petsiuk et al., BMVC 2018)."""

    higher_is_better: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (-1.0, 2.0)

    protocol: str = "rise"
    """How pixels are shown, what is read off and the area taken: see `PROTOCOLS`."""

    def __post_init__(self) -> None:
        _curves.protocol_named(self.protocol)

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """The area, in [0, 1]; igos-released may exceed 1 by its last step, infill both ends."""
        return _curves.area(score, saliency, self.protocol, "insertion")
