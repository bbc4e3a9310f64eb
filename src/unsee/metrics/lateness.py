"""Lateness: how much of the image must be shown before the score returns."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.classifiers.measures import log_odds
from unsee.errors import InputError
from unsee.masking.score import MaskedScore
from unsee.metrics import _curves
from unsee.metrics.base import Context, Metric
from unsee.types import Saliency

__all__ = ["Lateness"]


@dataclass(frozen=True)
class Lateness(Metric):
    """Share of the pixels, the highest-ranked first, that restores half of the whole image's score.

    The share at the first point of the insertion curve whose score is at least `part` times that of
    the whole image. In [0, 1]; `part = 1` is the first point that reaches the whole image's score.
    Adversarial examples have a high lateness.

    Log-odds have no zero: under `infill`, `part` counts from the score of the image that is
    in-filled everywhere, as in `minimal_mask`. NaN where in-filling everything does not lower the
    log-odds.

    Reference: Khorram et al., 2021, iGOS++: integrated gradient optimized saliency by bilateral
    perturbations, CHIL, https://arxiv.org/abs/2012.15783
    """

    higher_is_better: ClassVar[bool] = False
    needs_probability: ClassVar[bool] = True
    has_ties: ClassVar[bool] = True

    protocol: str = "igos"
    """Order, steps and replacement of hidden pixels: a name of `_curves.PROTOCOLS`. The light blur
    of `rise` often leaves half of the score."""
    part: float = 0.5
    """Share of the whole image's score, or of its rise, that must be reached, in (0, 1]."""

    def __post_init__(self) -> None:
        _curves.protocol_named(self.protocol)
        if not 0 < self.part <= 1:
            raise InputError(f"lateness: expected 0 < part <= 1, got {self.part}")

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Return the share of each image."""
        protocol = _curves.protocol_named(self.protocol)
        curve = _curves.curve(score, saliency, protocol, "insertion")
        if protocol.measure is log_odds:
            scores, level = _curves.restored(curve), curve.scores.new_tensor(self.part)
        else:
            scores, level = curve.scores, self.part * curve.scores[:, -1:]
        reached = scores >= level
        first = curve.share[reached.int().argmax(1)].where(reached.any(1), 1.0)
        return first.where(~scores.isnan().any(1), torch.nan).to(saliency)
