"""Initialise the masks of an optimiser from the ranking that a trained network predicts."""

from collections.abc import Callable, Sequence

from jaxtyping import Float
from torch import Tensor

from unsee.masking import masks
from unsee.masking.soft_top_k import soft_top_k
from unsee.methods._ranking_network import Ranking
from unsee.types import Theta

REGION_SHARE = 0.2
"""Share of the cells that a warm start removes or keeps."""
LOGIT_LIMITS = (0.1, 0.9)
"""Probabilities between which `top_logits` clamps, so that a descent can still change them."""

Initializer = Callable[[Theta, Ranking], Theta]
"""From the cold start of an optimiser and a ranking, return the warm start."""


def top_region(
    ranking: Ranking, size: Sequence[int], share: float = REGION_SHARE
) -> Float[Tensor, "b 1 1 _h _w"]:
    """Return the soft membership in (0, 1) of each cell in the top `share` of the ranking.

    The ranking is resized to `size` (height, width) first; memberships sum to `share` times the
    number of cells.
    """
    scores = masks.resize(ranking, size).flatten(2)
    count = scores.new_full(scores.shape[:2], share * scores.shape[2])
    return soft_top_k(scores, count).unflatten(2, (1, *size))


def remove_top(theta: Theta, ranking: Ranking) -> Theta:
    """Return k masks of kept probability whose product removes the top of the ranking.

    The masks are equal: each is (1 - region)^(1/k).
    """
    keep = 1 - top_region(ranking, theta.shape[-2:])
    return (keep ** (1 / theta.shape[1])).expand_as(theta).contiguous()


def keep_top(theta: Theta, ranking: Ranking) -> Theta:
    """Return masks of kept probability that keep the top of the ranking and nothing else."""
    return top_region(ranking, theta.shape[-2:]).expand_as(theta).contiguous()


def top_logits(theta: Theta, ranking: Ranking, *, sign: int = 1) -> Theta:
    """Return logits of kept probability that keep (sign 1) or remove (sign -1) the top."""
    return sign * top_region(ranking, theta.shape[-2:]).clamp(*LOGIT_LIMITS).logit()
