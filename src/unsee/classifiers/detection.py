"""Determine what a model's outputs are, from their values and from the network's last operation."""

from collections.abc import Callable
from typing import Literal

from jaxtyping import Float
from torch import Tensor
from torch.autograd.graph import Node

from unsee.classifiers.outputs import Outputs, fitted
from unsee.errors import InputError

Ending = Literal["softmax", "sigmoid", "logits", "unclear"]
"""Last operation of a network; `logits` is one of those that make logits."""
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
KEEPING = frozenset(
    ["Mul", "Div", "Add", "Sub", "Rsub", "Neg", "Mean", "Sum", "AvgPool2D", "AdaptiveAvgPool2D",
     "MkldnnAdaptiveAvgPool2D", "MaxPool2DWithIndices", "AdaptiveMaxPool2D", "Amax", "Amin", "Max",
     "Min", "Topk", "Sort", "Gather", "IndexSelect", "Split", "SplitWithSizes", "Unbind", "Narrow",
     "MaskedFill", "NanToNum", "Logsumexp", "Lerp", "Einsum", "Repeat", "Flip", "Roll", "Diagonal",
     "AsStrided", "CopySlices", "NativeDropout", "ConstantPadNd", "UpsampleNearest2D",
     "UpsampleBilinear2D", "UpsampleBicubic2D"]
)  # fmt: skip
"""Operations after which logits stay logits, but probabilities need not stay probabilities."""
LAYERS = frozenset(
    ["Addmm", "Mm", "Mv", "Addmv", "Bmm", "Baddbmm", "Addbmm", "Linear", "MkldnnLinear",
     "Convolution", "MkldnnConvolution", "NativeBatchNorm", "CudnnBatchNorm", "MiopenBatchNorm",
     "NativeLayerNorm", "NativeGroupNorm", "FusedRmsNorm", "Relu", "LeakyRelu", "PreluKernel",
     "Elu", "Gelu", "Silu", "Mish", "Hardswish", "Softplus", "LogSoftmax"]
)  # fmt: skip
"""Operations that make logits, unless all their inputs are made of probabilities: a product with a
fixed matrix makes probabilities of probabilities."""
LEAF = "torch::autograd::AccumulateGrad"
"""Name of the node of an image or of a parameter."""


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


def ending(node: Node | None) -> Ending:
    """Return the last operation of a network, from the autograd node of its output.

    An operation that is in none of the lists is unclear, since it may keep or make probabilities.
    """
    if node is None:
        return "unclear"
    if node.name() == LEAF:
        return "logits"
    name = _operation(node)
    if name in {"Softmax", "Sigmoid"}:
        return "softmax" if name == "Softmax" else "sigmoid"
    if name in LAYERS:
        return "unclear" if all(map(_is_of_probabilities, _parents(node))) else "logits"
    if name not in RESHAPING | KEEPING:
        return "unclear"
    kinds = {ending(parent) for parent in _parents(node)}
    if kinds <= {"logits"}:
        return "logits"
    return kinds.pop() if len(kinds) == 1 and name in RESHAPING else "unclear"


def _is_of_probabilities(node: Node) -> bool:
    """Whether everything that an operation takes was last made by a softmax or a sigmoid.

    A gate does not count: it multiplies features by a sigmoid.
    """
    name = _operation(node)
    if name in {"Softmax", "Sigmoid"}:
        return True
    if node.name() == LEAF or name in LAYERS:
        return False
    return all(map(_is_of_probabilities, _parents(node)))


def _parents(node: Node) -> list[Node]:
    return [parent for parent, _ in node.next_functions if parent is not None]


def _operation(node: Node) -> str:
    """Return the name of an operation; empty for compiled or user code, whose has no number."""
    name, _, number = node.name().partition("Backward")
    return name if number.isdigit() else ""
