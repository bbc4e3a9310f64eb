"""Saliency metric: whether the box around the map is small and still shows the class."""

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from unsee.classifiers.measures import probability
from unsee.masking.score import MaskedScore
from unsee.metrics._boxes import Threshold, check_alpha, predicted_box
from unsee.metrics.base import Context, Metric
from unsee.types import Saliency

__all__ = ["SaliencyMetric"]

MIN_AREA = 0.05
"""Smallest area of the crop that is rewarded, as a share of the image's."""


@dataclass(frozen=True)
class SaliencyMetric(Metric):
    """log(max(area, 0.05)) - log p(crop), of the class's probability p (Dabkowski and Gal, 2017).

    The crop is the tight box around the pixels above a threshold, resized to the classifier's
    input. Its area is a share of the image's. Needs the score for p. At least log(0.05); a map
    without a pixel above the threshold counts as the whole image. A map without a positive value
    counts from its minimum.

    Reference: Dabkowski and Gal, 2017, Real time image saliency for black box classifiers, NIPS,
    https://arxiv.org/abs/1705.07857; Agarwal and Nguyen, 2020, Explaining image classifiers by
    removing input features using generative models, ACCV, Table 4, https://arxiv.org/abs/1910.04256
    """

    libraries: ClassVar[tuple[str, ...]] = ("skimage.measure",)

    higher_is_better: ClassVar[bool] = False
    needs_probability: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (-3.1, 30.0)

    threshold: Threshold = "max"
    """Rule that turns alpha into a threshold: max, mean, energy, minmax or share."""
    alpha: float = 0.5
    """Threshold, tuned on held-out images (papers: 0 to 0.95): `_tuning.tune_alpha`."""
    component: bool = False
    """Take the box around the largest connected component only (Zolna et al., 2018)."""

    def __post_init__(self) -> None:
        check_alpha("saliency_metric", self.threshold, self.alpha)

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Return the value of each image."""
        (h, w), crops, areas = saliency.shape[1:], [], []
        for one_map, image in zip(saliency, score.images, strict=True):
            box = predicted_box(one_map, self.threshold, self.alpha, self.component)
            x1, y1, x2, y2 = (0, 0, w, h) if box is None else box.int().tolist()
            crop = image[None, :, y1:y2, x1:x2]
            crops.append(F.interpolate(crop, (h, w), mode="bilinear", antialias=True))
            areas.append((x2 - x1) * (y2 - y1) / (h * w))
        logits = score.classifier.predict(torch.cat(crops).clamp(0, 1))
        p = score.classifier.kind.measure(probability)(logits, score.targets)
        return p.new_tensor(areas).clamp(min=MIN_AREA).log() - p.clamp(min=1e-12).log()
