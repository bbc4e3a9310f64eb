"""Metrics of unsee as a torchmetrics metric, accumulated over batches and processes."""

from collections.abc import Sequence
from typing import Any

import torch
import torchmetrics
from torch import Tensor

from unsee.classifiers.classifier import Classifier
from unsee.masking.score import MaskedScore
from unsee.methods.base import Method
from unsee.metrics.base import Metric, Truth
from unsee.registry import create
from unsee.saliency import SaliencyLike


class MapMetric(torchmetrics.Metric):
    """Mean of a metric of unsee over all images, NaN excluded.

        metric = MapMetric("localisation", settings={"alpha": 0.4})
        metric.update(study.score, study.explanation.saliency, truths)
        metric.compute()

    Args:
        metric: Metric, or its name.
        settings: Settings of a metric that is created by its name.
        **kwargs: Arguments of `torchmetrics.Metric`.
    """

    is_differentiable = False
    full_state_update = False
    total: Tensor
    count: Tensor

    def __init__(
        self, metric: Metric | str, *, settings: dict[str, Any] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        made = create("metrics", metric, **(settings or {})) if isinstance(metric, str) else metric
        self.metric: Metric = made
        self.add_state("total", torch.tensor(0.0, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.tensor(0), dist_reduce_fx="sum")

    @property
    def higher_is_better(self) -> bool:  # type: ignore[override]
        """Whether a higher value is better."""
        return self.metric.higher_is_better

    def update(
        self,
        score: MaskedScore,
        saliency: SaliencyLike,
        truths: Sequence[Truth] = (),
        method: Method | None = None,
        reference_classifiers: Sequence[Classifier] = (),
    ) -> None:
        """Add the images of a batch; the arguments are those of `Metric.rate`."""
        values = self.metric.rate(score, saliency, truths, method, reference_classifiers)
        values = values[~values.isnan()]
        self.total += values.double().sum().to(self.total.device)
        self.count += values.numel()

    def compute(self) -> Tensor:
        """Return the mean; NaN if no image has a value."""
        return (self.total / self.count).float()
