"""Effective complexity: how much of the image the classifier needs to see."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.errors import InputError
from unsee.masking.score import MaskedScore
from unsee.metrics import _curves
from unsee.metrics.base import Context, Metric
from unsee.types import Saliency

__all__ = ["EffectiveComplexity"]


@dataclass(frozen=True)
class EffectiveComplexity(Metric):
    """Least share of pixels, best first, that says the same as the whole (Nguyen & Martinez 2020).

    The first point of the insertion curve from which on the probability never again differs from
    that of the whole image by more than `tolerance` (paper: squared loss, what is not shown drawn
    conditionally; here the in-filler of the question draws it).
    """

    higher_is_better: ClassVar[bool] = False

    tolerance: float = 0.1
    """Largest difference in probability."""

    def __post_init__(self) -> None:
        if not 0 < self.tolerance < 1:
            raise InputError(
                f"effective_complexity: expected 0 < tolerance < 1, got {self.tolerance}"
            )

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """The share at that point; 0 where an empty image says the same."""
        share, scores, _ = _curves.curve(score, saliency, _curves.PROTOCOLS["clean"], "insertion")
        far = (scores - scores[:, -1:]).abs() > self.tolerance
        last = far.int() * torch.arange(1, far.shape[1] + 1, device=far.device)
        return share[last.amax(1).clamp(max=len(share) - 1)].to(saliency)
