"""Effective complexity: how much of the image the classifier needs."""

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
    """Smallest share of pixels that keeps the probability within a tolerance.

    The share at the first point of the insertion curve from which on the probability differs from
    that of the whole image by at most `tolerance`, by the protocol `clean`. The paper's loss is
    squared, and it draws hidden features from their conditional distribution; here the in-filler of
    the score replaces them. In [0, 1]; 0 if the in-filled image has the same probability.

    Reference: Nguyen and Martinez, 2020, On quantitative aspects of model interpretability,
    https://arxiv.org/abs/2007.07584
    """

    higher_is_better: ClassVar[bool] = False
    needs_probability: ClassVar[bool] = True

    tolerance: float = 0.1
    """Largest difference in probability, in (0, 1)."""

    def __post_init__(self) -> None:
        if not 0 < self.tolerance < 1:
            raise InputError(
                f"effective_complexity: expected 0 < tolerance < 1, got {self.tolerance}"
            )

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Return the share of each image."""
        share, scores, _ = _curves.curve(score, saliency, _curves.PROTOCOLS["clean"], "insertion")
        differs = (scores - scores[:, -1:]).abs() > self.tolerance
        point = torch.arange(1, differs.shape[1] + 1, device=differs.device)
        after_last = (differs.int() * point).amax(1).clamp(max=len(share) - 1)
        return share[after_last].to(saliency)
