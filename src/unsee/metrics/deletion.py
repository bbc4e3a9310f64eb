"""Deletion: how fast the probability falls as the best pixels go first."""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from unsee import curves
from unsee.metrics.base import Metric
from unsee.score import MaskedScore
from unsee.types import Saliency

__all__ = ["Deletion"]


@dataclass(frozen=True)
class Deletion(Metric):
    """Area under the probability as the best pixels go first (Petsiuk et al., BMVC 2018)."""

    higher_is_better: ClassVar[bool] = False

    protocol: str = "rise"
    """How pixels are removed and the area taken: rise, igos or igos-released."""

    def __post_init__(self) -> None:
        curves.protocol_named(self.protocol)

    def rate(self, score: MaskedScore, saliency: Saliency) -> Float[Tensor, " b"]:
        """The area, in [0, 1] (igos-released may exceed 1 by its last step)."""
        protocol = curves.protocol_named(self.protocol)
        return protocol.area(curves.curve(score, saliency, protocol, "deletion"))
