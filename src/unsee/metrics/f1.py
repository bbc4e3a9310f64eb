"""Continuous F1: precision and recall of a soft mask against a box."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.masking.score import MaskedScore
from unsee.metrics._boxes import Boxes, as_boxes, box_mask, check_count
from unsee.metrics.base import Context, Metric
from unsee.saliency import MaskSource, SaliencyLike, as_mask, as_saliency
from unsee.types import Saliency

__all__ = ["F1"]


def f1(
    maps: SaliencyLike, boxes: Sequence[Boxes], mask: MaskSource = "rescaled"
) -> Float[Tensor, " b"]:
    """Return the best F1 score of each map over the image's boxes.

    2 P R / (P + R), with precision P = sum(m b) / sum(m) and recall R = sum(m b) / sum(b). m is the
    map as a soft mask. b is 1 on the pixels whose centres lie in the box, and 0 elsewhere. 1 for a
    map that is the box, 0 for a map that misses all boxes, NaN for an image without a box.

    Args:
        maps: Maps (b, h, w), as a tensor, an array or a list of them.
        boxes: Boxes (n, 4) of each image: x1, y1, x2, y2 in pixels of the map.
        mask: "rescaled" scales each map to [0, 1] by its extremes; "raw" takes maps that are masks
            already as they are.

    Reference: Zolna et al., 2018, Classifier-agnostic saliency map extraction,
    https://arxiv.org/abs/1805.08249
    """
    saliency = as_saliency(maps)
    check_count(saliency, boxes, "arrays of boxes")
    values = []
    for soft, image_boxes in zip(as_mask(saliency, mask), boxes, strict=True):
        scores = [_f1(soft, box) for box in as_boxes(image_boxes, saliency)]
        values.append(max(scores, default=torch.nan))
    return saliency.new_tensor(values)


def _f1(soft: Float[Tensor, "h w"], box: Float[Tensor, " 4"]) -> float:
    inside = box_mask(box[None], (soft.shape[0], soft.shape[1])).to(soft)
    overlap = (soft * inside).sum()
    precision = overlap / soft.sum().clamp(min=1e-12)
    recall = overlap / inside.sum().clamp(min=1)
    return (2 * precision * recall / (precision + recall).clamp(min=1e-12)).item()


@dataclass(frozen=True)
class F1(Metric):
    """F1 score of the map as a soft mask against the best labelled box (Zolna et al., 2018).

    Needs labelled boxes and no score: `f1`. In [0, 1]; NaN for an image without a box.
    """

    higher_is_better: ClassVar[bool] = True
    needs_truth: ClassVar[bool] = True

    mask: MaskSource = "rescaled"
    """Scale the map to [0, 1] by its extremes (rescaled), or take a map that is a mask as it is
    (raw)."""

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Return the best F1 score of each map."""
        return f1(saliency, [truth.boxes for truth in context.truths], self.mask)
