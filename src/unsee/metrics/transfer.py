"""Transfer: whether pixels that one classifier depends on matter to other classifiers too."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.classifiers.classifier import Classifier
from unsee.masking.score import MaskedScore
from unsee.metrics import _curves
from unsee.metrics._references import resized, score_on
from unsee.metrics.base import Context, Metric
from unsee.types import Saliency

__all__ = ["Transfer"]


@dataclass(frozen=True)
class Transfer(Metric):
    """Deletion or insertion area on other classifiers of the same classes.

    Each classifier gets image and map at its own input size: both are resized bilinearly, averaged
    where they become smaller, and the pixels are ranked at that size. Normalisation, and the mean
    colour that replaces pixels, are its own. Bounds and NaN are those of `deletion` and `insertion`
    with the same protocol; lower is better for deletion, higher for insertion.

    Reference: Petsiuk et al., 2018, RISE: randomized input sampling for explanation of black-box
    models, BMVC, https://arxiv.org/abs/1806.07421, for the areas.
    """

    needs_reference_classifiers: ClassVar[bool] = True
    needs_probability: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (-1.0, 2.0)

    area: Literal["deletion", "insertion"] = "deletion"
    """Area: pixels are removed (deletion) or shown (insertion), the highest-ranked first."""
    protocol: str = "rise"
    """Order, steps, replacement of pixels, and area: a name of `_curves.PROTOCOLS`."""
    reference: int = 0
    """Number of the reference classifier, from 1; 0 takes the mean over all of them."""

    def __post_init__(self) -> None:
        _curves.protocol_named(self.protocol)

    @property
    def higher_is_better(self) -> bool:  # type: ignore[override]
        """Whether a higher area is better."""
        return self.area == "insertion"

    @property
    def least_reference_classifiers(self) -> int:
        """Number of the last classifier that is used."""
        return max(1, self.reference)

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Return the area of each image."""
        first = max(0, self.reference - 1)
        last = self.reference or len(context.reference_classifiers)
        classifiers = context.reference_classifiers[first:last]
        return torch.stack([self._area(score, saliency, c) for c in classifiers]).mean(0)

    def _area(
        self, score: MaskedScore, saliency: Saliency, classifier: Classifier
    ) -> Float[Tensor, " b"]:
        """Return the area of each image on one of the classifiers."""
        own = score_on(classifier, score)
        maps = resized(saliency[:, None], classifier.framing.size)[:, 0].to(classifier.device)
        return _curves.area(own, maps, self.protocol, self.area).to(saliency)
