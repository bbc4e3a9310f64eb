"""Thresholds that are chosen on photos which are not reported."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import torch

from unsee.errors import InputError
from unsee.masking.score import MaskedScore
from unsee.metrics.base import Metric, Truth
from unsee.types import Saliency

ALPHAS = tuple(round(0.05 * step, 2) for step in range(20))
"""0 to 0.95 in steps of 0.05, as the papers search them."""


def tuned(
    metric: Metric,
    score: MaskedScore,
    saliency: Saliency,
    truths: Sequence[Truth] = (),
    alphas: Sequence[float] = ALPHAS,
) -> Metric:
    """The metric with the alpha at which its mean over held-out images is best.

    Of equally good ones the smallest. Choose it on other images than those that are reported, and
    for each method on its own: that is what the papers do. Raises `InputError` for a metric without
    an alpha.
    """
    if "alpha" not in {field.name for field in fields(metric)}:  # type: ignore[arg-type]
        raise InputError(f"{type(metric).__name__} has no alpha to choose")
    sign = 1 if metric.higher_is_better else -1
    best, chosen = -float("inf"), metric
    for alpha in alphas:
        settings: dict[str, Any] = {"alpha": alpha}
        candidate: Metric = replace(metric, **settings)  # type: ignore[type-var]
        rated = candidate.rate(score, saliency, truths)
        known = rated[~torch.isnan(rated)]
        if len(known) and sign * known.mean().item() > best + 1e-9:
            best, chosen = sign * known.mean().item(), candidate
    return chosen
