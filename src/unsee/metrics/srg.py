"""SRG: the difference between the areas of the worst and the best order of removal."""

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
    """Deletion area with the lowest-ranked pixels first minus that with the highest-ranked first.

    Symmetric relevance gain. A replacement of removed pixels that suits or disturbs the classifier
    raises or lowers both areas, so that the difference depends on it much less. In [-1, 1] for
    areas in [0, 1], and in [-3, 3] for the protocol `infill`, which is NaN where removing
    everything does not lower the log-odds. The negative of the map has the negative value, and a
    random map is near 0.

    Reference: Blücher et al., 2024, Decoupling pixel flipping and occlusion strategy for
    consistent XAI benchmarks, TMLR, https://arxiv.org/abs/2401.06654
    """

    higher_is_better: ClassVar[bool] = True
    needs_probability: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (-3.0, 3.0)

    protocol: str = "rise"
    """Order, steps, replacement of removed pixels, and area: a name of `_curves.PROTOCOLS`."""

    def __post_init__(self) -> None:
        _curves.protocol_named(self.protocol)

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Return the difference of the areas of each image."""
        highest_first, lowest_first = (
            _curves.area(score, ranked, self.protocol, "deletion")
            for ranked in (saliency, -saliency)
        )
        return lowest_first - highest_first
