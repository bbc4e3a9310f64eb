"""The saliency metric: is the box around the map small and still the object?"""

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from unsee.classifiers.measures import probability
from unsee.masking.score import MaskedScore
from unsee.metrics._boxes import Threshold, box_around, check_alpha
from unsee.metrics.base import Context, Metric
from unsee.types import Saliency

__all__ = ["SaliencyMetric"]


@dataclass(frozen=True)
class SaliencyMetric(Metric):
    """log(max(area, 0.05)) - log p(crop) (Dabkowski & Gal, NIPS 2017; G-methods, Table 4).

    The crop is the tight box around the pixels above a threshold, up-scaled to the input; its area
    is a share of the image's.
    """

    higher_is_better: ClassVar[bool] = False
    bounds: ClassVar[tuple[float, float]] = (-3.1, 30.0)

    threshold: Threshold = "max"
    """What alpha is measured by: max, mean, energy, minmax or share."""
    alpha: float = 0.5
    """Chosen on held-out images (papers: 0 to 0.95): `unsee.metrics._tuning.tuned`."""
    component: bool = False
    """Take the box of the largest connected part instead of that of all (CASM)."""

    def __post_init__(self) -> None:
        check_alpha("saliency_metric", self.threshold, self.alpha)

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """An empty crop counts as the whole image."""
        size, crops, areas = saliency.shape[1:], [], []
        for one, image in zip(saliency, score.images, strict=True):
            box = box_around(one, self.threshold, self.alpha, self.component)
            x1, y1, x2, y2 = (0, 0, size[1], size[0]) if box is None else box.int().tolist()
            crop = image[None, :, y1:y2, x1:x2]
            crops.append(F.interpolate(crop, tuple(size), mode="bilinear", antialias=True))
            areas.append((x2 - x1) * (y2 - y1) / (size[0] * size[1]))
        p = probability(score.classifier.predict(torch.cat(crops).clamp(0, 1)), score.targets)
        return p.new_tensor(areas).clamp(min=0.05).log() - p.clamp(min=1e-12).log()
