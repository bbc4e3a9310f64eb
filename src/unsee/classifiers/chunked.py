"""Evaluate and differentiate a function of rows in chunks of bounded memory.

A row's value depends on that row only, so the gradient of a chunk is complete as soon as the chunk
is evaluated. The activations of one chunk exist at a time, and nothing is computed twice.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from unsee.classifiers import determinism
from unsee.errors import InputError, is_out_of_memory

Rows = Float[Tensor, "n ..."]
RowFunction = Callable[[Tensor, slice], Tensor]
"""From the rows of a slice (m, ...), and the slice itself, to their values (m, ...); the values are
(m,) where a gradient is taken."""


def map_chunks(
    function: RowFunction,
    rows: Rows,
    chunk: int,
    on_success: Callable[[int], None] | None = None,
) -> Float[Tensor, "n ..."]:
    """Apply `function` to `rows` in chunks; the result is differentiable in `rows`.

    A chunk that does not fit in memory is halved and evaluated again, except in the mode of
    `determinism`, where other chunks would give other bits.

    Args:
        function: Function of a chunk of rows.
        rows: Rows to evaluate.
        chunk: Maximum number of rows in a chunk.
        on_success: Called with the maximum number of rows after each chunk that fits in memory.

    Raises:
        InputError: Memory does not suffice for a single row, or for a chunk that is not halved.
    """
    values: Tensor = _MapChunks.apply(rows, function, chunk, on_success)
    return values


class _MapChunks(torch.autograd.Function):
    """Differentiable map that takes the gradients of the rows in its forward pass."""

    @staticmethod
    def forward(ctx, rows, function, chunk, on_success):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN205
        """Evaluate all chunks, and differentiate them if a gradient is needed."""
        needs_gradient = ctx.needs_input_grad[0]
        values: list[Tensor] = []
        gradients: list[Tensor] = []
        start = 0
        while start < len(rows):
            part = slice(start, min(start + chunk, len(rows)))
            try:
                value, gradient = _evaluate(function, rows, part, needs_gradient)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                count = part.stop - start
                if count == 1 or determinism.is_on():
                    raise _too_large(count, rows.device) from error
                chunk = count // 2
                continue
            values.append(value)
            gradients += gradient
            start = part.stop
            if on_success:
                on_success(chunk)
        if needs_gradient:
            ctx.save_for_backward(torch.cat(gradients))
        return torch.cat(values)

    @staticmethod
    @once_differentiable
    def backward(ctx, upstream):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN205
        """Scale the stored gradients."""
        (gradients,) = ctx.saved_tensors
        scaled = upstream.view(-1, *[1] * (gradients.ndim - 1)) * gradients
        return scaled, None, None, None


def _too_large(count: int, device: torch.device) -> InputError:
    batch = "one image" if count == 1 else f"{count} images"
    advice = "free memory, use smaller images, precision bfloat16, or another device"
    if determinism.is_on():
        advice += "; deterministic does not use smaller batches"
    return InputError(f"out of memory on {device} with a batch of {batch}; {advice}")


def _evaluate(
    function: RowFunction, rows: Tensor, part: slice, needs_gradient: bool
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the values of a chunk and, if needed, their gradients by its rows."""
    with torch.set_grad_enabled(needs_gradient):
        x = rows[part].detach().requires_grad_(needs_gradient)
        value = function(x, part)
        # here, not in backward, so that the activations of this chunk are freed at once
        gradient = torch.autograd.grad(value.sum(), x) if needs_gradient else ()
    return value.detach(), gradient
