"""The generators of DeepFill v1 and v2."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from unsee.networks.deepfill_attention import contextual_attention, resize_nearest

STRIDE = 8
"""Sides are padded to multiples of this many pixels."""
PUBLISHED_WIDTHS = {1: 32, 2: 48}
"""Channels of the first layer in the published weights, by version."""


class Layer(NamedTuple):
    """A convolution of the published networks, under its published name."""

    name: str
    width: float
    """Output channels, relative to the first layer's; 0 for three colours."""
    kernel: int = 3
    stride: int = 1
    dilation: int = 1
    activation: Literal["elu", "relu", "none"] = "elu"


def _encoder(
    prefix: str, second: float, fourth: float, activation: Literal["elu", "relu"]
) -> list[Layer]:
    """Return the layers that reduce the picture to a quarter of its size."""
    return [
        Layer(f"{prefix}conv1", 1, kernel=5),
        Layer(f"{prefix}conv2_downsample", second, stride=2),
        Layer(f"{prefix}conv3", 2),
        Layer(f"{prefix}conv4_downsample", fourth, stride=2),
        Layer(f"{prefix}conv5", 4),
        Layer(f"{prefix}conv6", 4, activation=activation),
    ]


def _dilated(prefix: str) -> list[Layer]:
    """Return four dilated layers."""
    return [
        Layer(f"{prefix}conv{7 + i}_atrous", 4, dilation=rate)
        for i, rate in enumerate((2, 4, 8, 16))
    ]


def _decoder(prefix: str) -> list[Layer]:
    """Return the layers back to the full size and to colours."""
    return [
        Layer(f"{prefix}conv11", 4),
        Layer(f"{prefix}conv12", 4),
        Layer(f"{prefix}conv13_upsample", 2),
        Layer(f"{prefix}conv14", 2),
        Layer(f"{prefix}conv15_upsample", 1),
        Layer(f"{prefix}conv16", 0.5),
        Layer(f"{prefix}conv17", 0, activation="none"),
    ]


COARSE = [*_encoder("", 2, 4, "elu"), *_dilated(""), *_decoder("")]
DILATED_BRANCH = [*_encoder("x", 1, 2, "elu"), *_dilated("x")]
ATTENTION_BRANCH = [*_encoder("pm", 1, 4, "relu")]
AFTER_ATTENTION = [Layer("pmconv9", 4), Layer("pmconv10", 4)]
FINE_DECODER = _decoder("all")


class DeepFill(nn.Module):
    """Fill holes of pictures (n, 3, h, w) in [0, 1], coarse to fine, with contextual attention.

    Version 1: Yu et al., "Generative Image Inpainting with Contextual Attention", CVPR 2018,
    https://arxiv.org/abs/1801.07892; the papers' "CA". Version 2 has gated convolutions: Yu et al.,
    "Free-Form Image Inpainting with Gated Convolution", ICCV 2019,
    https://arxiv.org/abs/1806.03589. The attention of the published code uses one hole for a whole
    batch; here each picture has its own.
    """

    def __init__(self, version: Literal[1, 2] = 1, width: int | None = None) -> None:
        super().__init__()
        self.version, self.first = version, width or PUBLISHED_WIDTHS[version]
        widest = self._channels_after_gate(4)
        branches = (
            (COARSE, 5), (DILATED_BRANCH, 5), (ATTENTION_BRANCH, 5),
            (AFTER_ATTENTION, widest), (FINE_DECODER, 2 * widest),
        )  # fmt: skip
        for layers, channels in branches:
            for layer in layers:
                filters = int(layer.width * self.first) or 3
                self.add_module(layer.name, nn.Conv2d(channels, filters, layer.kernel))
                is_gated = version == 2 and layer.activation != "none"
                channels = filters // 2 if is_gated else filters

    def _channels_after_gate(self, width: float) -> int:
        """Return a layer's output channels; half of the filters of version 2 are gates."""
        return int(width * self.first) // (2 if self.version == 2 else 1)

    def forward(
        self, pictures: Float[Tensor, "n 3 h w"], keep: Float[Tensor, "n 1 h w"]
    ) -> Float[Tensor, "n 3 h w"]:
        """Return the pictures with their holes (`keep = 0`) filled."""
        h, w = pictures.shape[-2:]
        edges = (0, -w % STRIDE, 0, -h % STRIDE)
        visible = F.pad((2 * pictures - 1) * keep, edges, mode="replicate")
        hole = 1 - F.pad(keep, edges, mode="replicate")
        coarse = self._colours(self._run(COARSE, _inputs(visible, hole)))
        x = _inputs(coarse * hole + visible * (1 - hole), hole)
        dilated = self._run(DILATED_BRANCH, x)
        attention = self._run(ATTENTION_BRANCH, x)
        small_hole = resize_nearest(hole, (attention.shape[-2], attention.shape[-1]))
        attention = self._run(AFTER_ATTENTION, contextual_attention(attention, small_hole))
        fine = self._colours(self._run(FINE_DECODER, torch.cat([dilated, attention], 1)))
        filled = (fine[..., :h, :w] + 1) / 2
        return torch.where(keep > 0, pictures, filled.to(pictures.dtype))

    def _colours(self, x: Tensor) -> Tensor:
        """Bring a decoder's output to [-1, 1]."""
        return x.tanh() if self.version == 2 else x.clamp(-1, 1)

    def _run(self, layers: list[Layer], x: Tensor) -> Tensor:
        for layer in layers:
            if layer.name.endswith("upsample"):
                x = resize_nearest(x, (2 * x.shape[-2], 2 * x.shape[-1]))
            x = self._convolve(layer, x)
        return x

    def _convolve(self, layer: Layer, x: Tensor) -> Tensor:
        """Apply a convolution, its activation and its gate."""
        convolution = self.get_submodule(layer.name)
        if not isinstance(convolution, nn.Conv2d):
            raise TypeError(layer.name)
        padded = pad_same(x, layer.kernel, layer.stride, layer.dilation)
        weight, bias = convolution.weight, convolution.bias
        y = F.conv2d(padded, weight, bias, layer.stride, 0, layer.dilation)
        if layer.activation == "none":
            return y
        activation = F.relu if layer.activation == "relu" else F.elu
        if self.version == 1:
            return activation(y)
        value, gate = y.chunk(2, 1)
        return activation(value) * gate.sigmoid()


def _inputs(visible: Tensor, hole: Tensor) -> Tensor:
    """Return pictures, a channel of ones and the hole, as the published networks expect."""
    ones = torch.ones_like(hole)
    return torch.cat([visible, ones, ones * hole], 1)


def variable_names() -> Iterator[tuple[str, str]]:
    """Yield the name of each published TensorFlow variable and its key in our state dict."""
    branches = COARSE, DILATED_BRANCH, ATTENTION_BRANCH, AFTER_ATTENTION, FINE_DECODER
    for layer in (layer for branch in branches for layer in branch):
        scope = f"{layer.name}/{layer.name}_conv" if layer.name.endswith("upsample") else layer.name
        yield f"inpaint_net/{scope}/kernel", f"{layer.name}.weight"
        yield f"inpaint_net/{scope}/bias", f"{layer.name}.bias"


def pad_same(x: Tensor, kernel: int, stride: int, dilation: int) -> Tensor:
    """Pad as TensorFlow's SAME: the odd row and column are at the bottom and the right."""
    extent, edges = dilation * (kernel - 1) + 1, []
    for side in (x.shape[-1], x.shape[-2]):
        total = max((-(-side // stride) - 1) * stride + extent - side, 0)
        edges += [total // 2, total - total // 2]
    return F.pad(x, edges)
