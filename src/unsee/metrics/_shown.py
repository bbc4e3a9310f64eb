"""What the classifier says to the image through its own map."""

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.classifiers.measures import probability
from unsee.masking.score import MaskedScore
from unsee.types import Saliency


def probabilities(
    score: MaskedScore, saliency: Saliency
) -> tuple[Float[Tensor, " b"], Float[Tensor, " b"]]:
    """Of the whole image, and of what the map keeps when it is scaled to [0, 1] as a mask."""
    keep = scaled(saliency)
    both = torch.stack([torch.ones_like(keep), keep], 1)[:, :, None]
    whole, shown = replace(score, measure=probability)(both).unbind(1)
    return whole, shown


def scaled(saliency: Saliency) -> Saliency:
    """Each map from 0 to 1."""
    low, high = saliency.flatten(1).aminmax(dim=1)
    return (saliency - low[:, None, None]) / (high - low).clamp(min=1e-12)[:, None, None]


def as_mask(saliency: Saliency) -> Saliency:
    """Each map as it is where it lies in [0, 1], and scaled there where it does not."""
    low, high = saliency.flatten(1).aminmax(dim=1)
    fits = ((low >= 0) & (high <= 1))[:, None, None]
    return torch.where(fits, saliency, scaled(saliency))
