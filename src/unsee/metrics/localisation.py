"""Localisation error: whether the box around the map misses the object."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.classifiers.measures import first_answer
from unsee.masking.score import MaskedScore
from unsee.metrics._boxes import (
    Boxes,
    Threshold,
    as_boxes,
    check_alpha,
    check_count,
    intersection_over_union,
    predicted_box,
)
from unsee.metrics.base import Context, Metric
from unsee.saliency import SaliencyLike, as_saliency
from unsee.types import Saliency

__all__ = ["Localisation"]

HIT = 0.5
"""Intersection over union of the predicted box with a labelled box from which it is a hit."""


def localisation_error(
    maps: SaliencyLike,
    boxes: Sequence[Boxes],
    *,
    threshold: Threshold = "max",
    alpha: float = 0.5,
    component: bool = False,
    strict: bool = False,
) -> Float[Tensor, " b"]:
    """Return 0 for each map whose box overlaps a labelled box by half or more, and 1 otherwise.

    The map's box is tight around the pixels above a threshold. Overlap is the intersection over
    union. 1 if no pixel reaches the threshold, NaN for an image without a box.

    Args:
        maps: Maps (b, h, w), as a tensor, an array or a list of them.
        boxes: Boxes (n, 4) of each image: x1, y1, x2, y2 in pixels of the map.
        threshold: How alpha becomes a threshold. It is a share of the map's maximum (max), mean
            (mean), range (minmax) or positive sum (energy). With `share`, alpha times the mean of
            the map is the share of the pixels that is taken, the highest-ranked first. A map
            without a positive value counts from its minimum.
        alpha: Number in [0, 1]; `mean` has no upper limit.
        component: Take the box around the largest 4-connected component only (Zolna et al., 2018).
        strict: Count an overlap of exactly one half as an error (Zolna et al., 2018).

    Raises:
        InputError: For an alpha outside its range, another number of labels than of maps, or boxes
            of another shape.

    Reference: Agarwal and Nguyen, 2020, Explaining image classifiers by removing input features
    using generative models, ACCV, Table 2, https://arxiv.org/abs/1910.04256; Zolna et al., 2018,
    Classifier-agnostic saliency map extraction, https://arxiv.org/abs/1805.08249
    """
    check_alpha("localisation", threshold, alpha)
    saliency = as_saliency(maps)
    check_count(saliency, boxes, "arrays of boxes")
    errors = []
    for one_map, image_boxes in zip(saliency, boxes, strict=True):
        labelled = as_boxes(image_boxes, saliency)
        box = predicted_box(one_map, threshold, alpha, component)
        overlap = labelled.new_zeros(1)
        if box is not None and len(labelled):
            overlap = intersection_over_union(box, labelled)
        hit = bool(((overlap > HIT) if strict else (overlap >= HIT)).any())
        errors.append(float(not hit) if len(labelled) else torch.nan)
    return saliency.new_tensor(errors)


@dataclass(frozen=True)
class Localisation(Metric):
    """1 if the map's box overlaps no labelled box by half or more, 0 otherwise (ILSVRC's error).

    Needs labelled boxes: `localisation_error`, and the score for `official` alone. NaN for an image
    without a box. `official = False` is LE of Zolna et al. (2018) and Table 2 of Agarwal and Nguyen
    (2020), `official = True` is OM of Zolna et al.
    """

    libraries: ClassVar[tuple[str, ...]] = ("skimage.measure",)

    higher_is_better: ClassVar[bool] = False
    has_ties: ClassVar[bool] = True
    needs_truth: ClassVar[bool] = True

    threshold: Threshold = "max"
    """Rule that turns alpha into a threshold: max, mean, energy, minmax or share."""
    alpha: float = 0.5
    """Threshold, tuned on held-out images (papers: 0 to 0.95): `_tuning.tune_alpha`."""
    component: bool = False
    """Take the box around the largest connected component only (Zolna et al., 2018)."""
    strict: bool = False
    """Count an overlap of exactly one half as an error (Zolna et al., 2018), not as a hit (ILSVRC
    and Agarwal & Nguyen)."""
    official: bool = False
    """Count a prediction of another class than the explained one as an error too."""

    def __post_init__(self) -> None:
        check_alpha("localisation", self.threshold, self.alpha)

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Return 1 for an error and 0 for a hit."""
        boxes = [truth.boxes for truth in context.truths]
        errors = localisation_error(
            saliency, boxes, threshold=self.threshold, alpha=self.alpha, component=self.component,
            strict=self.strict,
        )  # fmt: skip
        if self.official:
            logits = score.classifier.predict(score.images)
            wrong = score.classifier.kind.measure(first_answer)(logits, score.targets) == 0
            errors = torch.where(errors.isnan(), errors, torch.maximum(errors, wrong.to(errors)))
        return errors
