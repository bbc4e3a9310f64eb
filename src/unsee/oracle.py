"""A function of rows, evaluated and differentiated chunk by chunk.

A row's value depends on that row only, so that a chunk's gradient is complete once the chunk is
done: activations of a single chunk are ever alive, and nothing is computed twice.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

Rows = Float[Tensor, "n ..."]
RowFunction = Callable[[Tensor, slice], Tensor]
"""Values (m,) of the rows in a slice, given those rows (m, ...)."""


def by_chunks(function: RowFunction, rows: Rows, chunk: int) -> Float[Tensor, " n"]:
    """Apply `function` to `rows`, at most `chunk` of them at a time; differentiable in `rows`."""
    values: Tensor = _ByChunks.apply(rows, function, chunk)
    return values


class _ByChunks(torch.autograd.Function):
    """Keeps the gradients of the rows that the forward pass has already taken."""

    @staticmethod
    def forward(ctx, rows, function, chunk):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN205
        """Evaluate, and differentiate if that is wanted."""
        wanted = ctx.needs_input_grad[0]
        values, gradients = [], []
        for start in range(0, len(rows), chunk):
            part = slice(start, min(start + chunk, len(rows)))
            with torch.set_grad_enabled(wanted):
                x = rows[part].detach().requires_grad_(wanted)
                value = function(x, part)
                if wanted:  # here, not in backward: this chunk's activations are freed at once
                    gradients += torch.autograd.grad(value.sum(), x)
            values.append(value.detach())
        if wanted:
            ctx.save_for_backward(torch.cat(gradients))
        return torch.cat(values)

    @staticmethod
    @once_differentiable
    def backward(ctx, upstream):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN205
        """Scale the stored gradients."""
        (gradients,) = ctx.saved_tensors
        return upstream.view(-1, *[1] * (gradients.ndim - 1)) * gradients, None, None
