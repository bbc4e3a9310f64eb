"""Determine what a model's outputs are, from their values and from the network's last operation."""

from collections.abc import Callable
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.classifiers.outputs import Outputs, fitted
from unsee.errors import InputError

Ending = Literal["softmax", "sigmoid", "logits", "unclear"]
"""Last operation of a network; `logits` is any other than a softmax or a sigmoid."""
Probe = Callable[[], Tensor]
"""Runs the network on one image and returns its output."""

EXACT_TOLERANCE = 1e-3
"""Largest difference of all sums from 1 at which a model is taken to end in a softmax."""
PERCENT = 100.0
"""Sum of probabilities in percent."""
LARGEST_LOGIT = 17.0
"""Magnitude above which a single number is taken for a quantity, and not for the logit of a class:
its sigmoid is exactly 1 in float32."""
RESHAPING = frozenset(
    ["View", "UnsafeView", "ReshapeAlias", "Squeeze", "Unsqueeze", "Select", "Slice", "Transpose",
     "T", "Permute", "Clone", "ToCopy", "Alias", "Expand", "Stack", "Cat", "Index"]
)  # fmt: skip
"""Operations of autograd that leave the kind of numbers as it is."""
ARITHMETIC = frozenset(["Mul", "Div", "Add", "Sub", "Rsub", "Neg", "Mean", "Sum"])
"""Operations after which logits stay logits, but probabilities need not stay probabilities."""
UNCLEAR = frozenset(
    ["Clamp", "ClampMin", "ClampMax", "Hardtanh", "Hardsigmoid", "Tanh", "Exp", "Pow", "Where",
     "Minimum", "Maximum", "Reciprocal", "Sqrt", "Abs", "Round", "Floor", "Ceil"]
)  # fmt: skip
"""Operations that may have made probabilities."""


def determine(request: str, numbers: Float[Tensor, "n columns"], probe: Probe | None) -> Outputs:
    """Return the kind of a model's first outputs.

    Args:
        request: `auto`, or `logits` if the user states that these are logits.
        numbers: The finite outputs of the first pass.
        probe: Returns an output with its autograd graph; None if the model has no gradient.

    Raises:
        InputError: The numbers may be logits or probabilities, and the network does not show which.
    """
    low, high, columns = numbers.min().item(), numbers.max().item(), numbers.shape[1]
    if request == "logits":
        return Outputs.BINARY if columns == 1 else Outputs.SOFTMAX
    if columns == 1:
        check_single(numbers)
        _check_not_index(numbers, probe)
    if low < 0 or high > 1 + EXACT_TOLERANCE:
        _check_percent(numbers)
        return Outputs.BINARY if columns == 1 else Outputs.SOFTMAX
    if columns > 1 and (numbers.sum(1) - 1).abs().max().item() < EXACT_TOLERANCE:
        return Outputs.PROBABILITIES
    last = ending(probe().grad_fn) if probe else "unclear"
    by_ending = {
        "softmax": Outputs.PROBABILITIES,
        "sigmoid": Outputs.SIGMOID_PROBABILITIES,
        "logits": Outputs.SOFTMAX,
    }
    if last in by_ending and not (last == "softmax" and columns == 1):
        kind = by_ending[last]
        return Outputs.BINARY if columns == 1 and last == "logits" else fitted(kind, columns)
    hint = "outputs=probabilities" if columns == 1 else "outputs=sigmoid_probabilities"
    raise InputError(
        f"the model's outputs are in [0, 1] and may be logits or probabilities; set "
        f"outputs=logits, {hint} or outputs=regression"
    )


def check_single(numbers: Float[Tensor, " *n"]) -> None:
    """Raise `InputError` if single numbers are no logits as far as one can see."""
    low, high = numbers.min().item(), numbers.max().item()
    if max(-low, high) > LARGEST_LOGIT:
        raise InputError(
            f"the model returns one number for each image, here {low:.4g} to {high:.4g}; set "
            "outputs=regression (a quantity) or outputs=binary (a logit)"
        )


def _check_not_index(numbers: Tensor, probe: Probe | None) -> None:
    """Raise `InputError` for whole numbers that no network has computed: numbers of classes."""
    if (numbers == numbers.round()).all() and (not probe or ending(probe().grad_fn) == "unclear"):
        raise InputError(
            f"the model returns one whole number for each image, here {numbers[0, 0].item():.4g}, "
            "as the number of a class is; return the outputs for all classes (before argmax), or "
            "set outputs=binary, outputs=probabilities or outputs=regression"
        )


def _check_percent(numbers: Tensor) -> None:
    """Raise `InputError` for rows of several numbers that are probabilities in percent."""
    is_percent = ((numbers.sum(1) - PERCENT).abs() < EXACT_TOLERANCE * PERCENT).all()
    if numbers.shape[1] > 1 and (numbers >= 0).all() and is_percent:
        raise InputError(
            "the model returns numbers >= 0 that sum to 100 for each image, as probabilities in "
            "percent do; divide its outputs by 100, or set outputs=logits if they are logits"
        )


def ending(node: torch.autograd.graph.Node | None) -> Ending:
    """Return the last operation of a network, from the autograd node of its output."""
    if node is None:
        return "unclear"
    name, _, number = node.name().partition("Backward")
    if name == "torch::autograd::AccumulateGrad":
        return "logits"
    if not number.isdigit() or name in UNCLEAR:  # without a number: compiled or user code
        return "unclear"
    if name in {"Softmax", "Sigmoid"}:
        return "softmax" if name == "Softmax" else "sigmoid"
    if name not in RESHAPING | ARITHMETIC:
        return "logits"
    kinds = {ending(parent) for parent, _ in node.next_functions if parent is not None}
    if kinds <= {"logits"}:
        return "logits"
    return kinds.pop() if len(kinds) == 1 and name in RESHAPING else "unclear"
