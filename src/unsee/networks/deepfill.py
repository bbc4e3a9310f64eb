"""DeepFill v1 and v2, the generators with contextual attention."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

STRIDE = 8
"""Pixels to which sides are padded."""
WIDTHS = {1: 32, 2: 48}
"""Channels of the first layer in each version's published weights."""


class Layer(NamedTuple):
    """A convolution of the published networks, under its published name."""

    name: str
    width: float
    """Output channels, in units of the first layer's."""
    kernel: int = 3
    stride: int = 1
    dilation: int = 1
    act: Literal["elu", "relu", "none"] = "elu"


def _down(prefix: str, second: float, fourth: float, act: Literal["elu", "relu"]) -> list[Layer]:
    """To a quarter of the size."""
    return [
        Layer(f"{prefix}conv1", 1, kernel=5),
        Layer(f"{prefix}conv2_downsample", second, stride=2),
        Layer(f"{prefix}conv3", 2),
        Layer(f"{prefix}conv4_downsample", fourth, stride=2),
        Layer(f"{prefix}conv5", 4),
        Layer(f"{prefix}conv6", 4, act=act),
    ]


def _wide(prefix: str) -> list[Layer]:
    """Dilated."""
    return [
        Layer(f"{prefix}conv{7 + i}_atrous", 4, dilation=rate)
        for i, rate in enumerate((2, 4, 8, 16))
    ]


def _up(prefix: str) -> list[Layer]:
    """Back to the full size and to colours."""
    return [
        Layer(f"{prefix}conv11", 4),
        Layer(f"{prefix}conv12", 4),
        Layer(f"{prefix}conv13_upsample", 2),
        Layer(f"{prefix}conv14", 2),
        Layer(f"{prefix}conv15_upsample", 1),
        Layer(f"{prefix}conv16", 0.5),
        Layer(f"{prefix}conv17", 0, act="none"),
    ]


COARSE = [*_down("", 2, 4, "elu"), *_wide(""), *_up("")]
IMAGINED = [*_down("x", 1, 2, "elu"), *_wide("x")]
ATTENDED = [*_down("pm", 1, 4, "relu")]
AFTER = [Layer("pmconv9", 4), Layer("pmconv10", 4)]
JOINED = _up("all")


class DeepFill(nn.Module):
    """Coarse to fine in-painting with contextual attention; pictures (n, 3, h, w) in [0, 1].

    Version 1 (Yu et al., CVPR 2018; the papers' "CA") or 2 (gated convolutions: Yu et al., ICCV
    2019). The attention of the published code serves one hole for a whole batch; here each picture
    has its own. Sides are padded to multiples of 8.
    """

    def __init__(self, version: Literal[1, 2] = 1, width: int = 0) -> None:
        super().__init__()
        self.version, self.first = version, width or WIDTHS[version]
        wide = self._out(4)
        trunks = (COARSE, 5), (IMAGINED, 5), (ATTENDED, 5), (AFTER, wide), (JOINED, 2 * wide)
        for layers, channels in trunks:
            for layer in layers:
                made = self._filters(layer)
                self.add_module(layer.name, nn.Conv2d(channels, made, layer.kernel))
                channels = made if layer.act == "none" else made // (2 if version == 2 else 1)

    def _filters(self, layer: Layer) -> int:
        return int(layer.width * self.first) or 3

    def _out(self, width: float) -> int:
        """Channels after the gate, which takes half of them."""
        return int(width * self.first) // (2 if self.version == 2 else 1)

    def forward(
        self, pictures: Float[Tensor, "n 3 h w"], keep: Float[Tensor, "n 1 h w"]
    ) -> Float[Tensor, "n 3 h w"]:
        """The pictures where `keep` is 1, invented where it is 0."""
        h, w = pictures.shape[-2:]
        edges = (0, -w % STRIDE, 0, -h % STRIDE)
        seen = F.pad((2 * pictures - 1) * keep, edges, mode="replicate")
        hole = 1 - F.pad(keep, edges, mode="replicate")
        coarse = self._colours(self._run(COARSE, self._input(seen, hole)))
        x = self._input(coarse * hole + seen * (1 - hole), hole)
        imagined = self._run(IMAGINED, x)
        attended = self._run(ATTENDED, x)
        small = nearest(hole, (attended.shape[-2], attended.shape[-1]))
        attended = self._run(AFTER, attend(attended, small))
        fine = self._colours(self._run(JOINED, torch.cat([imagined, attended], 1)))
        invented = (fine[..., :h, :w] + 1) / 2
        return torch.where(keep > 0, pictures, invented.to(pictures.dtype))

    def _input(self, seen: Tensor, hole: Tensor) -> Tensor:
        ones = torch.ones_like(hole)
        return torch.cat([seen, ones, ones * hole], 1)

    def _colours(self, x: Tensor) -> Tensor:
        return x.tanh() if self.version == 2 else x.clamp(-1, 1)

    def _run(self, layers: list[Layer], x: Tensor) -> Tensor:
        for layer in layers:
            if layer.name.endswith("upsample"):
                x = nearest(x, (2 * x.shape[-2], 2 * x.shape[-1]))
            x = self._convolve(layer, x)
        return x

    def _convolve(self, layer: Layer, x: Tensor) -> Tensor:
        convolution = self.get_submodule(layer.name)
        if not isinstance(convolution, nn.Conv2d):
            raise TypeError(layer.name)
        padded = same(x, layer.kernel, layer.stride, layer.dilation)
        weight, bias = convolution.weight, convolution.bias
        y = F.conv2d(padded, weight, bias, layer.stride, 0, layer.dilation)
        if layer.act == "none":
            return y
        act = F.relu if layer.act == "relu" else F.elu
        if self.version == 1:
            return act(y)
        value, gate = y.chunk(2, 1)
        return act(value) * gate.sigmoid()


def names(version: int) -> Iterator[tuple[str, str]]:
    """The published variable's name and ours, for each weight."""
    for layer in (*COARSE, *IMAGINED, *ATTENDED, *AFTER, *JOINED):
        place = f"{layer.name}/{layer.name}_conv" if layer.name.endswith("upsample") else layer.name
        yield f"inpaint_net/{place}/kernel", f"{layer.name}.weight"
        yield f"inpaint_net/{place}/bias", f"{layer.name}.bias"


def same(x: Tensor, kernel: int, stride: int, dilation: int) -> Tensor:
    """TensorFlow's padding: what is odd goes to the right and the bottom."""
    reach, edges = dilation * (kernel - 1) + 1, []
    for side in (x.shape[-1], x.shape[-2]):
        total = max((-(-side // stride) - 1) * stride + reach - side, 0)
        edges += [total // 2, total - total // 2]
    return F.pad(x, edges)


def nearest(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Nearest neighbours with corner pixels on corner pixels, as the published code resizes."""
    for axis, length in zip((-2, -1), size, strict=True):
        before = x.shape[axis]
        if before != length:
            at = torch.arange(length, device=x.device) * ((before - 1) / max(length - 1, 1))
            x = x.index_select(axis, (at + 0.5).floor().long())
    return x


def attend(
    x: Float[Tensor, "n c h w"], hole: Float[Tensor, "n 1 h w"], sharpness: float = 10.0
) -> Float[Tensor, "n c h w"]:
    """Rebuild every place from 4 x 4 patches outside of the hole (Yu et al. 2018, section 4.1).

    Similarity is the cosine with 3 x 3 patches at half the size, smoothed along both diagonals so
    that neighbours copy from neighbours.
    """
    h, w = x.shape[-2:]
    half = (h // 2, w // 2)
    small, gone = nearest(x, half), nearest(hole, half)
    patches = F.unfold(small, 3, padding=1)  # (n, 9 c, places)
    length = patches.square().sum(1, keepdim=True).sqrt().clamp(min=1e-4)
    alike = patches.mT @ (patches / length)  # (n, asking, asked)
    alike = _fused(alike, half)
    valid = (F.unfold(gone, 3, padding=1).mean(1) == 0).to(x.dtype)[:, None]
    weight = (alike * valid * sharpness).softmax(2) * valid
    whole = F.unfold(x, 4, padding=1, stride=2)  # (n, 16 c, places)
    return F.fold(whole @ weight.mT, (h, w), 4, padding=1, stride=2) / 4


def _fused(alike: Float[Tensor, "n p q"], size: tuple[int, int]) -> Float[Tensor, "n p q"]:
    """Add the similarity of the neighbours before and behind, along rows and along columns."""
    rows, columns = size
    alike = _diagonal(alike)
    alike = alike.unflatten(2, (rows, columns)).unflatten(1, (rows, columns))
    alike = _diagonal(alike.permute(0, 2, 1, 4, 3).flatten(3).flatten(1, 2))
    alike = alike.unflatten(2, (columns, rows)).unflatten(1, (columns, rows))
    return alike.permute(0, 2, 1, 4, 3).flatten(3).flatten(1, 2)


def _diagonal(x: Float[Tensor, "n p q"]) -> Float[Tensor, "n p q"]:
    return x + F.pad(x[:, :-1, :-1], (1, 0, 1, 0)) + F.pad(x[:, 1:, 1:], (0, 1, 0, 1))
