"""SIC and AIC: how much of the image's information the classifier needs."""

import io
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from unsee.classifiers.measures import Measure, first_answer, probability
from unsee.images.drawing import to_pixels
from unsee.infillers.blur import Blur
from unsee.masking import masks
from unsee.masking.score import MaskedScore
from unsee.metrics.base import Context, Metric
from unsee.types import Saliency

__all__ = ["SIC"]

SHARES = (0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.07, 0.1, 0.13, 0.21, 0.34, 0.5, 0.75, 1)
"""Of the pixels that are shown sharp, best first (as published)."""


@dataclass(frozen=True)
class SIC(Metric):
    """Area under performance over information (Kapishnikov et al., ICCV 2019: XRAI).

    The best pixels are shown sharp on the blurred image. Information is the size of the picture as
    lossless WebP, between that of the blurred and of the whole image; performance the probability
    of the class, likewise between the two and kept from falling (softmax: SIC), or whether it is
    the first answer (accuracy: AIC).
    """

    higher_is_better: ClassVar[bool] = True

    performance: Literal["softmax", "accuracy"] = "softmax"
    """SIC or AIC."""
    sigma: float = 20.0
    """Of the blur, in pixels."""

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """In [0, 1]; NaN where blurring takes nothing from the class, or no size from the file."""
        order = masks.ranks(saliency)
        pixels = saliency[0].numel()
        counts = torch.tensor([round(share * pixels) for share in SHARES], device=order.device)
        keep = (order[:, None] < counts[:, None]).to(saliency)
        keep = keep.view(*keep.shape[:2], 1, *saliency.shape[1:])
        asked = replace(score, infiller=Blur(sigma=self.sigma, kernel=0), measure=self._asked())
        values = asked(keep)
        shown = [asked.pictures(keep[:, k : k + 1]) for k in range(len(SHARES))]
        areas = []
        for i, scores in enumerate(values):
            sizes = saliency.new_tensor([_bytes(pictures[i]) for pictures in shown])
            areas.append(_area(sizes, scores, fixed=self.performance == "accuracy"))
        return torch.stack(areas).to(saliency)

    def _asked(self) -> Measure:
        return probability if self.performance == "softmax" else first_answer


def _bytes(picture: Float[Tensor, "c h w"]) -> float:
    content = io.BytesIO()
    Image.fromarray(to_pixels(picture)).save(content, "WEBP", lossless=True, quality=50)
    return float(content.tell())


def _area(sizes: Tensor, values: Tensor, *, fixed: bool) -> Tensor:
    """Trapezoid of the values over the information, both from 0 to 1."""
    span, height = sizes[-1] - sizes[0], values[-1] - values[0]
    if span <= 0 or (not fixed and height <= 0):
        return values.new_tensor(torch.nan)
    information = ((sizes - sizes[0]) / span).clamp(0, 1)
    performance = values if fixed else ((values - values[0]) / height).clamp(0, 1)
    performance = performance if fixed else performance.cummax(0).values
    place = information.argsort(stable=True)
    return torch.trapezoid(performance[place], information[place])
