"""What the classifier says to the image through its own map."""

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.measures import probability
from unsee.score import MaskedScore
from unsee.types import Saliency


def probabilities(
    score: MaskedScore, saliency: Saliency
) -> tuple[Float[Tensor, " b"], Float[Tensor, " b"]]:
    """Of the whole image, and of what the map keeps when it is scaled to [0, 1] as a mask."""
    low, high = saliency.flatten(1).aminmax(dim=1)
    keep = (saliency - low[:, None, None]) / (high - low).clamp(min=1e-12)[:, None, None]
    both = torch.stack([torch.ones_like(keep), keep], 1)[:, :, None]
    whole, shown = replace(score, measure=probability)(both).unbind(1)
    return whole, shown
