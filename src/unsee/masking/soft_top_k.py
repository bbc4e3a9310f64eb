"""The soft top-k: a differentiable membership in the largest of n scores."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from unsee.errors import InputError

BISECTIONS = 24
"""Bisection steps for the shift of a soft top-k, in single precision: to 1e-7 of the range."""
NEWTON_STEPS = 6
"""Newton steps for the shift afterwards, in double precision and within the bracket."""


def soft_top_k(
    scores: Float[Tensor, "*b n"],
    count: Float[Tensor, "*b"] | float,
    temperature: float = 1.0,
    weight: Float[Tensor, "*#b n"] | None = None,
) -> Float[Tensor, "*b n"]:
    """Return the soft membership of each of n scores in the `count` largest; it sums to `count`.

    A = sigmoid(scores / temperature + t), with t such that sum A = count. This is the exact
    solution of entropic optimal transport with two anchors (Xie et al., "Differentiable Top-k with
    Optimal Transport", NeurIPS 2020, https://arxiv.org/abs/2002.06504), which Sinkhorn's iterations
    only approach. Differentiable in `scores`.

    Args:
        scores: Higher is nearer to the top.
        count: Size of the top.
        temperature: Softness of its border.
        weight: How much each score counts, with mean 1: sum weight A = count. By default 1.

    Raises:
        InputError: A count is outside of (0, n].
    """
    if not isinstance(count, Tensor):
        count = scores.new_full(scores.shape[:-1], count)
    # not on a GPU, where the check would wait for the device
    if count.device.type == "cpu" and not ((count > 0) & (count <= scores.shape[-1])).all():
        raise InputError(
            f"expected counts in (0, {scores.shape[-1]}], got {count.min():g} to {count.max():g}"
        )
    membership: Tensor = _SoftTopK.apply(scores / temperature, count, weight)
    return membership


def _weighted(values: Tensor, weight: Tensor | None) -> Tensor:
    return values if weight is None else weight * values


class _SoftTopK(torch.autograd.Function):
    """Soft top-k: the root of a monotone function of one variable, and its derivative."""

    @staticmethod
    def forward(ctx, scores, count, weight):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN205
        """Find the shift by bisection, then by Newton's method."""
        precise_dtype = torch.float32 if scores.device.type == "mps" else torch.float64
        x, total = scores.to(precise_dtype), count.to(precise_dtype)[..., None]
        level = torch.logit(total / scores.shape[-1], eps=1e-12)
        low, high = level - x.amax(-1, keepdim=True), level - x.amin(-1, keepdim=True)
        slack = 1e-5 * (1 + torch.maximum(low.abs(), high.abs()))  # rounding of single precision
        single = x.float()
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            members = _weighted(torch.sigmoid(single + middle.float()), weight)
            is_over = members.sum(-1, keepdim=True) > total
            low, high = torch.where(is_over, low, middle), torch.where(is_over, middle, high)
        low, high = low - slack, high + slack
        shift = (low + high) / 2
        for _ in range(NEWTON_STEPS):
            membership = torch.sigmoid(x + shift)
            excess = _weighted(membership, weight).sum(-1, keepdim=True) - total
            low, high = torch.where(excess > 0, low, shift), torch.where(excess > 0, shift, high)
            slope = _weighted(membership * (1 - membership), weight)
            slope = slope.sum(-1, keepdim=True).clamp(min=1e-300)
            newton = shift - excess / slope
            inside = (newton >= low) & (newton <= high)
            shift = torch.where(inside, newton, (low + high) / 2)
        membership = torch.sigmoid(x + shift).to(scores.dtype)
        ctx.save_for_backward(membership, weight)
        return membership

    @staticmethod
    @once_differentiable
    def backward(ctx, upstream):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN205
        """Apply the transposed derivative: s (u - w (s . u) / (w . s)) with s = A (1 - A)."""
        membership, weight = ctx.saved_tensors
        slope = membership * (1 - membership)
        total = _weighted(slope, weight).sum(-1, keepdim=True)
        total = total.clamp(min=torch.finfo(slope.dtype).tiny)
        mean = (slope * upstream).sum(-1, keepdim=True) / total
        return slope * (upstream - _weighted(mean, weight)), None, None
