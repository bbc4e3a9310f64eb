"""Soft masks that keep the highest share of a map's pixels."""

from jaxtyping import Float
from torch import Tensor

from unsee.masking.soft_top_k import soft_top_k

MIN_SHARE = 0.01
"""Smallest share of pixels that is kept, or removed, where shares are uniform."""
RANGE_IN_DEVIATIONS = 6.0
"""Assumed range of a map, in standard deviations."""


def uniform_shares(uniform: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    """Return shares of kept pixels, spread evenly, from numbers in [0, 1)."""
    return uniform.clamp(MIN_SHARE, 1 - MIN_SHARE)


def spread_shares(uniform: Float[Tensor, " n"], share: float, spread: float) -> Float[Tensor, " n"]:
    """Return shares of kept pixels from numbers in [0, 1), spread evenly on a logarithmic scale.

    They lie between share / spread and share * spread; `spread = 1` always returns `share`.
    """
    return share * spread ** (2 * uniform - 1)


def top_share_mask(
    scores: Float[Tensor, "n h w"], share: Float[Tensor, " n"], softness: float
) -> Float[Tensor, "n h w"]:
    """Return soft masks that keep the highest `share` of each map's pixels.

    Scores are first scaled to the standard deviation 1 / RANGE_IN_DEVIATIONS. The paper scales them
    to the range [0, 1] instead. A single outlier can stretch that range until the mask is nearly
    constant and shows the whole photo faintly, which a classifier recognises better than a part.

    Args:
        scores: Maps; higher is more important.
        share: Share of pixels to keep, for each map.
        softness: Entropic regularisation of the top-k for scores of range 1.
    """
    flat = scores.flatten(1)
    flat = flat - flat.mean(1, keepdim=True)
    deviation = flat.square().mean(1, keepdim=True).sqrt()
    scaled = flat / (RANGE_IN_DEVIATIONS * deviation).clamp(min=1e-6)
    return soft_top_k(scaled, share * flat.shape[1], softness / 2).view_as(scores)
