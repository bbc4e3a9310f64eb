"""For users of torchmetrics: our metrics, accumulated over batches and processes."""

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
from unsee.saliency import Maps


class MapMetric(torchmetrics.Metric):
    """The mean of one of our metrics over all images so far; what is NaN does not count.

    metric = MapMetric("localisation", settings={"alpha": 0.4})
    metric.update(study.score, study.explanation.saliency, truths)
    metric.compute()
    """

    is_differentiable = False
    full_state_update = False
    total: Tensor
    count: Tensor

    def __init__(
        self, metric: Metric | str, *, settings: dict[str, Any] | None = None, **more: Any
    ) -> None:
        super().__init__(**more)
        made = create("metrics", metric, **(settings or {})) if isinstance(metric, str) else metric
        self.metric: Metric = made
        self.add_state("total", torch.tensor(0.0, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.tensor(0), dist_reduce_fx="sum")

    @property
    def higher_is_better(self) -> bool:  # type: ignore[override]
        """As our metric says."""
        return self.metric.higher_is_better

    def update(
        self,
        score: MaskedScore,
        saliency: Maps,
        truths: Sequence[Truth] = (),
        method: Method | None = None,
        reference_classifiers: Sequence[Classifier] = (),
    ) -> None:
        """Rate the maps of a batch; the method and other classifiers where the metric asks them."""
        values = self.metric.rate(score, saliency, truths, method, reference_classifiers)
        known = values[~values.isnan()]
        self.total += known.double().sum().to(self.total.device)
        self.count += known.numel()

    def compute(self) -> Tensor:
        """The mean; NaN before anything was rated."""
        return (self.total / self.count).float()
