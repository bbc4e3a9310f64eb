"""Localisation error: does the box around the map miss the object?"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.masking.score import MaskedScore
from unsee.metrics._boxes import Threshold, box_around, check_alpha, overlap
from unsee.metrics.base import Context, Metric
from unsee.types import Saliency

__all__ = ["Localisation"]


@dataclass(frozen=True)
class Localisation(Metric):
    """1 where the map's box overlaps no labelled box by half or more.

    As in Table 2 of the G-methods (Agarwal & Nguyen, ACCV 2020), and CASM's LE. The box is tight
    around the pixels above a threshold. With `official` the classifier's first answer has to be
    the class too (ILSVRC's metric, CASM's OM).
    """

    higher_is_better: ClassVar[bool] = False
    coarse: ClassVar[bool] = True
    needs_truth: ClassVar[bool] = True

    threshold: Threshold = "max"
    """What alpha is measured by: max, mean, energy, minmax or share."""
    alpha: float = 0.5
    """Chosen on held-out images (papers: 0 to 0.95): `unsee.metrics._tuning.tuned`."""
    component: bool = False
    """Take the box of the largest connected part instead of that of all (CASM)."""
    official: bool = False
    """Count a wrong first answer as an error too."""

    def __post_init__(self) -> None:
        check_alpha("localisation", self.threshold, self.alpha)

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """1 is an error, 0 is none, NaN where no box is labelled."""
        errors = []
        for one, truth in zip(saliency, context.truths, strict=True):
            box = box_around(one, self.threshold, self.alpha, self.component)
            if not len(truth.boxes):
                errors.append(torch.nan)
            else:
                hit = box is not None and bool((overlap(box, truth.boxes) >= 0.5).any())
                errors.append(0.0 if hit else 1.0)
        found = saliency.new_tensor(errors)
        if self.official:
            wrong = score.classifier.predict(score.images).argmax(1) != score.targets
            found = torch.where(found.isnan(), found, torch.maximum(found, wrong.to(found)))
        return found
