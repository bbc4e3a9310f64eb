"""Contextual attention as DeepFill's published code computes it."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


def contextual_attention(
    x: Float[Tensor, "n c h w"], hole: Float[Tensor, "n 1 h w"], sharpness: float = 10.0
) -> Float[Tensor, "n c h w"]:
    """Rebuild features from 4 x 4 patches outside of the hole.

    The weights are a softmax of cosine similarities between 3 x 3 patches at half the size, after
    adding the similarities of the neighbours along both diagonals, so that neighbouring places copy
    neighbouring patches. Pictures without a patch outside of the hole become zero.

    Yu et al., "Generative Image Inpainting with Contextual Attention", CVPR 2018, section 4.1,
    https://arxiv.org/abs/1801.07892.
    """
    h, w = x.shape[-2:]
    half = (h // 2, w // 2)
    small, small_hole = resize_nearest(x, half), resize_nearest(hole, half)
    patches = F.unfold(small, 3, padding=1)  # (n, 9 c, places)
    length = patches.square().sum(1, keepdim=True).sqrt().clamp(min=1e-4)
    similarity = patches.mT @ (patches / length)  # (n, queries, keys)
    similarity = _propagate(similarity, half)
    valid = (F.unfold(small_hole, 3, padding=1).mean(1) == 0).to(x.dtype)[:, None]
    weight = (similarity * valid * sharpness).softmax(2) * valid
    values = F.unfold(x, 4, padding=1, stride=2)  # (n, 16 c, places)
    return F.fold(values @ weight.mT, (h, w), 4, padding=1, stride=2) / 4


def resize_nearest(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize to nearest neighbours, corner pixels on corner pixels, as the published code does."""
    for axis, length in zip((-2, -1), size, strict=True):
        before = x.shape[axis]
        if before != length:
            place = torch.arange(length, device=x.device) * ((before - 1) / max(length - 1, 1))
            x = x.index_select(axis, (place + 0.5).floor().long())
    return x


def _propagate(similarity: Float[Tensor, "n p q"], size: tuple[int, int]) -> Float[Tensor, "n p q"]:
    """Add the similarities of the neighbours, along rows and then along columns."""
    rows, columns = size
    x = _add_diagonal_neighbours(similarity)
    x = x.unflatten(2, (rows, columns)).unflatten(1, (rows, columns))
    x = _add_diagonal_neighbours(x.permute(0, 2, 1, 4, 3).flatten(3).flatten(1, 2))
    x = x.unflatten(2, (columns, rows)).unflatten(1, (columns, rows))
    return x.permute(0, 2, 1, 4, 3).flatten(3).flatten(1, 2)


def _add_diagonal_neighbours(x: Float[Tensor, "n p q"]) -> Float[Tensor, "n p q"]:
    return x + F.pad(x[:, :-1, :-1], (1, 0, 1, 0)) + F.pad(x[:, 1:, 1:], (0, 1, 0, 1))
