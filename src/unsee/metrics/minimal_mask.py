"""Minimal mask: how few pixels must be removed for a given drop of the score."""

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

__all__ = ["MinimalMask"]


@dataclass(frozen=True)
class MinimalMask(Metric):
    """Smallest share of pixels whose removal takes a given share of the log-odds away.

    The pixels are removed in ranked order, by the protocol `infill`, and the in-filler of the score
    replaces them (FIDO: its strongest generator). The drop is relative to the drop if everything is
    removed. The share is interpolated linearly between two points of the curve. In [0, 1]; 1 if the
    drop is not reached, NaN where removing everything does not lower the log-odds.

    Reference: Chang et al., 2019, Explaining image classifiers by counterfactual generation, ICLR,
    Figure 8, https://arxiv.org/abs/1807.08024
    """

    higher_is_better: ClassVar[bool] = False
    needs_probability: ClassVar[bool] = True

    drop: float = 0.5
    """Share of the whole drop that must be reached, in (0, 1) (FIDO: 0.1 to 0.9)."""

    def __post_init__(self) -> None:
        if not 0 < self.drop < 1:
            raise InputError(f"minimal_mask: expected 0 < drop < 1, got {self.drop}")

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Return the share at the first crossing of each curve."""
        share, scores, _ = _curves.curve(score, saliency, _curves.PROTOCOLS["infill"], "deletion")
        whole, removed = scores[:, :1], scores[:, -1:]
        drops = (whole - scores) / (whole - removed).clamp(min=1e-6)
        reached = drops >= self.drop
        point = reached.int().argmax(1).clamp(min=1)
        below, above = (drops.gather(1, (point - back)[:, None])[:, 0] for back in (1, 0))
        fraction = ((self.drop - below) / (above - below).clamp(min=1e-6)).clamp(0, 1)
        crossing = share[point - 1] + fraction * (share[point] - share[point - 1])
        return crossing.where(reached.any(1), 1.0).where((removed < whole)[:, 0], torch.nan)
