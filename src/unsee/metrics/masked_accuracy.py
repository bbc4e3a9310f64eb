"""Masked accuracy: whether other classifiers recognise the class in the masked image."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from unsee.classifiers.classifier import Classifier
from unsee.classifiers.measures import first_answer
from unsee.infillers.base import Infiller
from unsee.infillers.grey import Grey
from unsee.infillers.telea import Telea
from unsee.masking.score import MaskedScore
from unsee.metrics._references import score_on
from unsee.metrics.base import Context, Metric
from unsee.saliency import MaskSource, as_mask
from unsee.types import Saliency

__all__ = ["MaskedAccuracy"]

INFILLERS: dict[str, Infiller] = {"grey": Grey(), "telea": Telea(radius=3)}
"""Replacements of removed pixels, by name."""


@dataclass(frozen=True)
class MaskedAccuracy(Metric):
    """Share of other classifiers that predict the class for the masked image (Zolna et al., 2018).

    The paper has three variants: masked in (`show = "in"`), which should be recognised; masked out
    (`show = "out"`), which should not; and masked out and in-painted (`infiller = "telea"` too).
    Each classifier gets the image at its own size. In [0, 1].

    Reference: Zolna et al., 2018, Classifier-agnostic saliency map extraction, section 4,
    https://arxiv.org/abs/1805.08249
    """

    needs_reference_classifiers: ClassVar[bool] = True
    needs_probability: ClassVar[bool] = True
    has_ties: ClassVar[bool] = True

    show: Literal["in", "out"] = "in"
    """Show the pixels that the map marks (in), or all others (out)."""
    infiller: Literal["grey", "telea"] = "grey"
    """Replacement of removed pixels: the mean colour of the data (grey), or Telea's in-painting
    with a radius of 3 pixels where the rounded mask is 0 (telea)."""
    mask: MaskSource = "rescaled"
    """Scale the map to [0, 1] by its extremes (rescaled), or take a map that is a mask as it is
    (raw)."""

    @property
    def higher_is_better(self) -> bool:  # type: ignore[override]
        """Whether a higher share is better: the class should be lost with the marked pixels."""
        return self.show == "in"

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Return the share of each image."""
        mask = as_mask(saliency, self.mask)
        keep = mask if self.show == "in" else 1 - mask
        if self.infiller == "telea":
            keep = keep.round()
        classifiers = context.reference_classifiers
        return torch.stack([self._correct(score, keep, c) for c in classifiers]).mean(0)

    def _correct(
        self, score: MaskedScore, keep: Float[Tensor, "b h w"], classifier: Classifier
    ) -> Float[Tensor, " b"]:
        """Return 1 for each image of which the classifier predicts the class, and 0 otherwise."""
        own = score_on(classifier, score, INFILLERS[self.infiller], first_answer)
        masks = F.interpolate(keep[:, None], own.images.shape[-2:], mode="nearest")
        return own(masks.to(classifier.device)[:, None])[:, 0].to(keep)
