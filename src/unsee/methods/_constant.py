"""Refuse maps that have the same value for all pixels, and so tell nothing about the classifier."""

import torch
from jaxtyping import Bool
from torch import Tensor

from unsee.classifiers.checks import GRADIENT_HINT, numbered
from unsee.classifiers.measures import log_odds, logit
from unsee.classifiers.outputs import Outputs
from unsee.errors import InputError
from unsee.masking.score import MaskedScore
from unsee.methods.base import MaskOptimizer, Method
from unsee.saliency import check_map

NO_EVIDENCE = "no evidence found"
"""Beginning of the message about a map that shows none."""
MEASURE_TO_TRY = {"measure": "log_odds"}
"""Measure that does not saturate, for messages about scores that do."""
ROUNDING = 4 * torch.finfo(torch.float32).eps
"""Range of a constant map, as a share of the largest magnitude of what it was computed from."""


def check_maps(method: Method, score: MaskedScore, saliency: Tensor, *, varied: bool) -> None:
    """Check that maps hold one finite number for each pixel, and not the same for all.

    A picture of a single colour may have a constant map, as may a method that does not read the
    classifier, or that cuts off negative evidence.

    Args:
        method: Method that made the maps.
        score: Score that it explained.
        saliency: The maps (b, h, w).
        varied: Whether constant maps are refused.

    Raises:
        InputError: For NaN or infinity, another shape, or constant maps.
    """
    check_map(saliency, score.images)
    traits = method.traits
    if not varied or not traits.uses_classifier or traits.may_be_empty:
        return
    constant = are_constant(method, saliency) & ~_is_constant(score.images)
    rows = constant.nonzero()[:, 0].tolist()
    if rows:
        raise InputError(
            f"{NO_EVIDENCE}: {type(method).__name__} returns the same value for all pixels of "
            f"{numbered(rows)}: {_cause(method, score)}",
            **MEASURE_TO_TRY,
        )


def are_constant(method: Method, saliency: Tensor) -> Bool[Tensor, " b"]:
    """Return for each map (b, h, w) whether it varies by no more than rounding."""
    unit = 1.0 if isinstance(method, MaskOptimizer) else 0.0  # maps are 1 - mask: rounding of 1
    return _is_constant(saliency[:, None], unit)


def no_gradient(method: Method, score: MaskedScore, rows: list[int]) -> InputError:
    """Return an error for images whose score has a gradient of exactly zero."""
    return InputError(
        f"{NO_EVIDENCE}: the gradient of the score is zero for {numbered(rows)} "
        f"({type(method).__name__}); {_advice(method, score)}",
        **MEASURE_TO_TRY,
    )


def _is_constant(planes: Tensor, unit: float = 0.0) -> Tensor:
    """Return for each image (b, c, h, w) whether no channel varies by more than rounding."""
    low, high = planes.flatten(2).aminmax(dim=2)
    magnitude = torch.maximum(high.abs(), low.abs()).clamp(min=unit)
    return (high - low <= ROUNDING * magnitude).all(1)


def _cause(method: Method, score: MaskedScore) -> str:
    if method.traits.needs_gradient:
        reason = "the gradient of the score is zero, or small beside the penalties of the method"
    else:
        reason = "the score does not change where pixels are removed"
    return f"{reason}; {_advice(method, score)}"


def _advice(method: Method, score: MaskedScore) -> str:
    """Return what a user may do about scores that are the same for all masks."""
    if score.classifier.kind in {Outputs.PROBABILITIES, Outputs.SIGMOID_PROBABILITIES}:
        return (
            "probabilities of exactly 0 or 1 hide differences: let the model return logits, before "
            "its softmax or sigmoid"
        )
    if score.measure not in {logit, log_odds}:
        return "try another measure ({measure}) or another class"
    return GRADIENT_HINT if method.traits.needs_gradient else "try another class or method"
