"""Probabilities of the class for the whole image and for the image seen through its map."""

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.classifiers.measures import probability
from unsee.masking.score import MaskedScore
from unsee.saliency import rescale
from unsee.types import Saliency


def masked_probability(
    score: MaskedScore, saliency: Saliency
) -> tuple[Float[Tensor, " b"], Float[Tensor, " b"]]:
    """Return the probability for the whole image, and with the map as a soft mask.

    Each map is scaled to [0, 1]. The in-filler of the score replaces what the mask removes.
    """
    keep = rescale(saliency)
    masks = torch.stack([torch.ones_like(keep), keep], 1)[:, :, None]
    whole, masked = replace(score, measure=probability)(masks).unbind(1)
    return whole, masked
