"""SRG: what separates the worst from the best order of removal."""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from unsee.masking.score import MaskedScore
from unsee.metrics import _curves
from unsee.metrics.base import Context, Metric
from unsee.types import Saliency

__all__ = ["SRG"]


@dataclass(frozen=True)
class SRG(Metric):
    """Symmetric relevance gain (Bluecher et al., TMLR 2024): least-first less most-first deletion.

    A background that the classifier knows too well or not at all raises or lowers both areas, so
    that it hardly moves their difference.
    """

    higher_is_better: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    protocol: str = "rise"
    """How pixels are removed, what is read off and the area taken."""

    def __post_init__(self) -> None:
        _curves.protocol_named(self.protocol)

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """The difference of the areas; 0 for a map that knows nothing."""
        most, least = (
            _curves.area(score, ranked, self.protocol, "deletion")
            for ranked in (saliency, -saliency)
        )
        return least - most
