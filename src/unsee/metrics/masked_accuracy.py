"""Masked accuracy: do other classifiers still see the class in what is shown, or hidden?"""

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
from unsee.metrics._shown import as_mask
from unsee.metrics.base import Context, Metric
from unsee.types import Saliency

__all__ = ["MaskedAccuracy"]

BEHIND: dict[str, Infiller] = {"grey": Grey(), "telea": Telea(radius=3)}


@dataclass(frozen=True)
class MaskedAccuracy(Metric):
    """Share of a set of classifiers that give the class to the masked image (Zolna et al. 2018).

    CASM's section 4: what the map keeps should be recognised (masked in), what it leaves should not
    (masked out), also where the hole is in-painted by Telea with radius 3. The map is the mask
    itself where it lies in [0, 1], and is scaled there where it does not.
    """

    higher_is_better: ClassVar[bool] = True
    needs_reference_classifiers: ClassVar[bool] = True
    coarse: ClassVar[bool] = True

    show: Literal["in", "out"] = "in"
    """What the map marks, or the rest."""
    infiller: Literal["grey", "telea"] = "grey"
    """What is behind: the data's mean colour, or in-painted where the mask is over a half."""

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Of all reference_classifiers, each with the image at its own size."""
        mask = as_mask(saliency)
        keep = mask if self.show == "in" else 1 - mask
        if self.infiller == "telea":
            keep = keep.round()
        right = [self._seen(score, keep, witness) for witness in context.reference_classifiers]
        return torch.stack(right).mean(0)

    def _seen(
        self, score: MaskedScore, keep: Float[Tensor, "b h w"], witness: Classifier
    ) -> Float[Tensor, " b"]:
        size, device = witness.framing.size, witness.device
        images = F.interpolate(score.images, size, mode="bilinear", antialias=True).clamp(0, 1)
        resized = F.interpolate(keep[:, None], size, mode="nearest").to(device)
        targets, behind = score.targets.to(device), BEHIND[self.infiller]
        asked = MaskedScore(witness, behind, images.to(device), targets, score.seeds, first_answer)
        return asked(resized[:, None])[:, 0].to(keep)
