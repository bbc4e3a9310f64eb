"""A function of rows, evaluated and differentiated chunk by chunk.

A row's value depends on that row only, so that a chunk's gradient is complete once the chunk is
done: activations of a single chunk are ever alive, and nothing is computed twice.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from unsee.errors import InputError

Rows = Float[Tensor, "n ..."]
RowFunction = Callable[[Tensor, slice], Tensor]
"""Values (m, ...) of the rows in a slice, given those rows (m, ...); (m,) for a gradient."""

TOO_MUCH = ("out of memory", "can't allocate memory", "not enough memory", "CUDNN_STATUS_ALLOC")
"""What torch says on its devices when there is no room; only CUDA's has a class of its own."""


def map_chunks(
    function: RowFunction,
    rows: Rows,
    chunk: int,
    remember: Callable[[int], None] | None = None,
) -> Float[Tensor, "n ..."]:
    """Apply `function` to `rows`, at most `chunk` of them at a time; differentiable in `rows`.

    A chunk that memory has no room for is halved, and `remember` is told what did fit. Raises
    `InputError` where there is no room for a single one.
    """
    values: Tensor = _MapChunks.apply(rows, function, chunk, remember)
    return values


def no_room(error: RuntimeError) -> bool:
    """Whether an error means that memory did not suffice."""
    return any(words in str(error) for words in TOO_MUCH)


class _MapChunks(torch.autograd.Function):
    """Keeps the gradients of the rows that the forward pass has already taken."""

    @staticmethod
    def forward(ctx, rows, function, chunk, remember):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN205
        """Evaluate, and differentiate if that is wanted."""
        wanted = ctx.needs_input_grad[0]
        values: list[Tensor] = []
        gradients: list[Tensor] = []
        start = 0
        while start < len(rows):
            part = slice(start, min(start + chunk, len(rows)))
            try:
                value, gradient = _chunk(function, rows, part, wanted)
            except RuntimeError as error:
                if not no_room(error):
                    raise
                if part.stop - start == 1:
                    raise InputError(
                        f"out of memory on {rows.device} with one image at a time; free some, or "
                        "take a smaller size, precision bfloat16 or another device"
                    ) from error
                chunk = (part.stop - start) // 2
                continue
            values.append(value)
            gradients += gradient
            start = part.stop
            if remember:
                remember(chunk)
        if wanted:
            ctx.save_for_backward(torch.cat(gradients))
        return torch.cat(values)

    @staticmethod
    @once_differentiable
    def backward(ctx, upstream):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN205
        """Scale the stored gradients."""
        (gradients,) = ctx.saved_tensors
        scaled = upstream.view(-1, *[1] * (gradients.ndim - 1)) * gradients
        return scaled, None, None, None


def _chunk(
    function: RowFunction, rows: Tensor, part: slice, wanted: bool
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Values of a chunk, and their gradients by its rows where they are wanted."""
    with torch.set_grad_enabled(wanted):
        x = rows[part].detach().requires_grad_(wanted)
        value = function(x, part)
        # here, not in backward: this chunk's activations are freed at once
        gradient = torch.autograd.grad(value.sum(), x) if wanted else ()
    return value.detach(), gradient
