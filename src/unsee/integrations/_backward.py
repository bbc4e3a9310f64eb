"""A gradient as a part of a graph that can be exported."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import GraphModule
from torch.fx.experimental.proxy_tensor import make_fx


def trace_with_gradient(module: nn.Module, examples: Sequence[Tensor]) -> GraphModule:
    """Return a graph of what a module computes, in which backward passes are forward operations.

    Args:
        module: A module that calls `torch.autograd.grad`.
        examples: Its inputs. The sizes of their axes are free where they differ from each other.
    """
    table: dict[Any, Any] = {
        **torch.export.default_decompositions(),
        torch.ops.aten.convolution_backward.default: _gradient_of_convolution,
    }
    trace = make_fx(
        module, decomposition_table=table, tracing_mode="symbolic", _allow_non_fake_inputs=True
    )
    return trace(*examples).eval()


def _gradient_of_convolution(
    gradient: Tensor, inputs: Tensor, weight: Tensor, _bias: list[int] | None, *settings: Any
) -> tuple[Tensor, None, None]:
    """Return the gradient by the inputs as a transposed convolution; weights are constants."""
    stride, padding, dilation, transposed, _, groups, wanted = settings
    if transposed or any(wanted[1:]):
        raise NotImplementedError("expected a convolution with constant weights")
    rest = [
        inputs.shape[axis + 2]
        - (gradient.shape[axis + 2] - 1) * stride[axis]
        + 2 * padding[axis]
        - dilation[axis] * (weight.shape[axis + 2] - 1)
        - 1
        for axis in range(len(stride))
    ]
    result = torch.ops.aten.convolution.default(
        gradient, weight, None, stride, padding, dilation, True, rest, groups
    )
    return result, None, None
