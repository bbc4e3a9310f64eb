"""Lateness: how much must be shown before the class comes back."""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from unsee.errors import InputError
from unsee.masking.score import MaskedScore
from unsee.metrics import _curves
from unsee.metrics.base import Context, Metric
from unsee.types import Saliency

__all__ = ["Lateness"]


@dataclass(frozen=True)
class Lateness(Metric):
    """Share of the pixels, best first, that brings half of the score back when they are inserted.

    Adversarial examples come back late (Khorram et al., CHIL 2021, diagnostics of iGOS++).
    """

    higher_is_better: ClassVar[bool] = False
    coarse: ClassVar[bool] = True

    protocol: str = "igos"
    """How pixels are shown; rise's blur leaves many classes half there."""
    part: float = 0.5
    """Of the score of the whole image."""

    def __post_init__(self) -> None:
        _curves.protocol_named(self.protocol)
        if not 0 < self.part <= 1:
            raise InputError(f"lateness: expected 0 < part <= 1, got {self.part}")

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """The share at the first point of the curve that is high enough."""
        protocol = _curves.protocol_named(self.protocol)
        share, scores, _ = _curves.curve(score, saliency, protocol, "insertion")
        enough = scores >= self.part * scores[:, -1:]
        return share[enough.int().argmax(1)].to(saliency)
