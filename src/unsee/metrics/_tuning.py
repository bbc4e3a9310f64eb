"""Choose the threshold of a metric on held-out images."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import torch

from unsee.errors import InputError
from unsee.masking.score import MaskedScore
from unsee.metrics.base import Metric, Truth
from unsee.saliency import SaliencyLike

ALPHAS = tuple(round(0.05 * step, 2) for step in range(20))
"""Candidates 0, 0.05, ..., 0.95, as in the papers."""


def tune_alpha(
    metric: Metric,
    score: MaskedScore,
    saliency: SaliencyLike,
    truths: Sequence[Truth] = (),
    alphas: Sequence[float] = ALPHAS,
) -> Metric:
    """Return the metric with the alpha whose mean over the images is best.

    Of equally good values the first is taken, and NaN does not count. As in the papers, tune on
    images that are not reported, and for each method separately (Agarwal and Nguyen, 2020,
    https://arxiv.org/abs/1910.04256).

    Raises:
        InputError: For a metric without the setting `alpha`.
    """
    if "alpha" not in {field.name for field in fields(metric)}:  # type: ignore[arg-type]
        raise InputError(f"{type(metric).__name__} has no setting 'alpha' to tune")
    sign = 1 if metric.higher_is_better else -1
    best_mean, best = -float("inf"), metric
    for alpha in alphas:
        settings: dict[str, Any] = {"alpha": alpha}
        candidate: Metric = replace(metric, **settings)  # type: ignore[type-var]
        values = candidate.rate(score, saliency, truths)
        values = values[~torch.isnan(values)]
        if len(values) and sign * values.mean().item() > best_mean + 1e-9:
            best_mean, best = sign * values.mean().item(), candidate
    return best
