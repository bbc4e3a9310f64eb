"""Mask loss: the deletion loss minus the insertion loss of the map as a soft mask."""

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.classifiers.measures import probability
from unsee.masking.score import MaskedScore
from unsee.metrics._backgrounds import IgosBackground
from unsee.metrics.base import Context, Metric
from unsee.saliency import MaskSource, as_mask
from unsee.types import Saliency

__all__ = ["MaskLoss"]


@dataclass(frozen=True)
class MaskLoss(Metric):
    """p(image without the map) - p(the map alone), of the class's probability p.

    The map is a soft mask of the evidence: removed for the first probability, kept for the second.
    A strong blur (51 x 51 pixels, sigma 50) is shown in place of removed pixels. This is what
    iGOS++ minimises, without its penalties (Khorram et al., 2021, equation 4, Table 7). It measures
    how well an optimiser minimised this objective: compare masks with equal penalties only. In
    [-1, 1].

    Reference: Khorram et al., 2021, iGOS++: integrated gradient optimized saliency by bilateral
    perturbations, CHIL, https://arxiv.org/abs/2012.15783
    """

    higher_is_better: ClassVar[bool] = False
    needs_probability: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    mask: MaskSource = "rescaled"
    """Scale the map to [0, 1] by its extremes (rescaled), or take a map that is a mask as it is
    (raw), as the paper does."""

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Return the difference of each image."""
        evidence = as_mask(saliency, self.mask)
        score = replace(score, infiller=IgosBackground("deletion"), measure=probability, slots=None)
        without, alone = score(torch.stack([1 - evidence, evidence], 1)[:, :, None]).unbind(1)
        return without - alone
