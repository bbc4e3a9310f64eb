"""Minimal mask: how little must go for the score to fall so far."""

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
    """Share of the pixels, best first, whose removal takes a share of the log-odds away.

    The drop is relative to that of removing everything (Chang et al., ICLR 2019, Figure 8); removed
    pixels are in-filled by the in-filler of the question (FIDO: its strongest generator). The share
    between two steps is interpolated; 1 where the drop is not reached before the end, and NaN where
    removing everything lowers nothing.
    """

    higher_is_better: ClassVar[bool] = False

    drop: float = 0.5
    """Share of the whole drop (FIDO: 0.1 to 0.9)."""

    def __post_init__(self) -> None:
        if not 0 < self.drop < 1:
            raise InputError(f"minimal_mask: expected 0 < drop < 1, got {self.drop}")

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """The first crossing of each curve."""
        share, scores, _ = _curves.curve(score, saliency, _curves.PROTOCOLS["infill"], "deletion")
        whole, removed = scores[:, :1], scores[:, -1:]
        fallen = (whole - scores) / (whole - removed).clamp(min=1e-6)
        over = fallen >= self.drop
        at = over.int().argmax(1).clamp(min=1)
        below, above = (fallen.gather(1, (at - off)[:, None])[:, 0] for off in (1, 0))
        part = ((self.drop - below) / (above - below).clamp(min=1e-6)).clamp(0, 1)
        crossed = share[at - 1] + part * (share[at] - share[at - 1])
        return crossed.where(over.any(1), 1.0).where((removed < whole)[:, 0], torch.nan)
