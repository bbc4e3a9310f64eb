"""Continuous F1: precision and recall of a soft mask against a box."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.masking.score import MaskedScore
from unsee.metrics._boxes import union
from unsee.metrics.base import Context, Metric
from unsee.types import Saliency

__all__ = ["F1"]


@dataclass(frozen=True)
class F1(Metric):
    """CASM's F1 (Zolna et al. 2018): precision sum(m b) / sum(m), recall sum(m b) / area, best box.

    The map is scaled to [0, 1] by its extremes unless it lies there already.
    """

    higher_is_better: ClassVar[bool] = True
    needs_truth: ClassVar[bool] = True

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """NaN where no box is labelled."""
        found = []
        for one, truth in zip(saliency, context.truths, strict=True):
            low, high = one.aminmax()
            soft = one if low >= 0 and high <= 1 else (one - low) / (high - low).clamp(min=1e-12)
            scores = []
            for box in truth.boxes:
                inside = union(box[None].to(one), (one.shape[0], one.shape[1])).to(one)
                both = (soft * inside).sum()
                precision, recall = (
                    both / soft.sum().clamp(min=1e-12),
                    both / inside.sum().clamp(min=1),
                )
                f1 = 2 * precision * recall / (precision + recall).clamp(min=1e-12)
                scores.append(f1.item())
            found.append(max(scores, default=torch.nan))
        return saliency.new_tensor(found)
