"""SIC and AIC: how much of the image's information the classifier needs."""

import io
import math
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from unsee.classifiers.measures import first_answer, probability
from unsee.images.drawing import to_pixels
from unsee.infillers.blur import Blur
from unsee.masking import masks
from unsee.masking.score import MaskedScore
from unsee.metrics.base import Context, Metric
from unsee.types import Saliency

__all__ = ["SIC"]

Performance = Literal["softmax", "accuracy"]

SHARES = (0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.07, 0.1, 0.13, 0.21, 0.34, 0.5, 0.75, 1)
"""Shares of the pixels that are shown sharp, as in the published code."""


def information_area(
    sizes: Float[Tensor, " p"], scores: Float[Tensor, " p"], performance: Performance
) -> Float[Tensor, ""]:
    """Return the trapezoidal area of the performance over the information of p pictures.

    Information is the file size, scaled to 0 for the first (blurred) and 1 for the last (whole)
    picture. With `softmax` the performance is the score, scaled likewise and made non-decreasing;
    with `accuracy` it is the score itself. NaN if the whole picture is not larger than the blurred
    one, and with `softmax` if it has no higher score.

    Args:
        sizes: File sizes of the pictures in bytes, from the blurred to the whole picture.
        scores: Scores of the pictures.
        performance: Kind of performance.
    """
    span, height = sizes[-1] - sizes[0], scores[-1] - scores[0]
    scaled = performance == "softmax"
    if span <= 0 or (scaled and height <= 0):
        return scores.new_tensor(torch.nan)
    information = ((sizes - sizes[0]) / span).clamp(0, 1)
    if scaled:
        scores = ((scores - scores[0]) / height).clamp(0, 1).cummax(0).values
    order = information.argsort(stable=True)
    return torch.trapezoid(scores[order], information[order])


@dataclass(frozen=True)
class SIC(Metric):
    """Area under the performance over the information of the image (Kapishnikov et al., 2019).

    The highest-ranked pixels are shown sharp on the blurred image, which replaces the in-filler of
    the score. Information is the size of the picture as lossless WebP. `performance = "softmax"` is
    SIC, `performance = "accuracy"` is AIC; `information_area` has the formula. In [0, 1]; NaN where
    the blur does not lower the probability (SIC) or the file size.

    Reference: Kapishnikov et al., 2019, XRAI: better attributions through regions, ICCV,
    https://arxiv.org/abs/1906.02825
    """

    higher_is_better: ClassVar[bool] = True
    needs_probability: ClassVar[bool] = True

    performance: Performance = "softmax"
    """Probability of the class (softmax), or whether it is the prediction (accuracy)."""
    sigma: float = 20.0
    """Standard deviation of the blur in pixels."""

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Return the area of each image."""
        rank = masks.ranks(saliency)
        pixels = saliency[0].numel()
        counts = torch.tensor([round(share * pixels) for share in SHARES], device=rank.device)
        keep = (rank[:, None] < counts[:, None]).to(saliency)
        keep = keep.view(*keep.shape[:2], 1, *saliency.shape[1:])
        kernel = 2 * math.ceil(3 * self.sigma) + 1  # three standard deviations on either side
        score = replace(
            score,
            infiller=Blur(sigma=self.sigma, kernel=kernel),
            measure=probability if self.performance == "softmax" else first_answer,
        )
        scores = score(keep)
        pictures = [score.pictures(keep[:, k : k + 1]) for k in range(len(SHARES))]
        areas = []
        for i, image_scores in enumerate(scores):
            sizes = saliency.new_tensor([_file_size(picture[i]) for picture in pictures])
            areas.append(information_area(sizes, image_scores, self.performance))
        return torch.stack(areas).to(saliency)


def _file_size(picture: Float[Tensor, "c h w"]) -> float:
    """Return the size of a picture as lossless WebP in bytes."""
    content = io.BytesIO()
    Image.fromarray(to_pixels(picture)).save(content, "WEBP", lossless=True, quality=50)
    return float(content.tell())
