"""ST-LPIPS: a perceptual distance from shift-tolerant VGG-16 and AlexNet."""

from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from unsee.errors import InputError
from unsee.networks.reading import read
from unsee.networks.weights import load_into


class Layer(NamedTuple):
    """A convolution, followed by a ReLU."""

    number: int
    """Number in the published file."""
    width: int
    """Output channels."""
    kernel: int = 3
    stride: int = 1
    padding: int = 1
    blurred: bool = False
    """Whether a blur of stride 2 precedes the ReLU."""


class Block(NamedTuple):
    """Layers whose last output is compared."""

    layers: tuple[Layer, ...]
    window: int | None = None
    """Side of the dense maximum before the blur of stride 2; None does not reduce the input."""


def _vgg() -> tuple[Block, ...]:
    blocks: list[Block] = []
    number = 0
    for widths in ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512)):
        layers = tuple(Layer(number + 2 * i, width) for i, width in enumerate(widths))
        blocks.append(Block(layers, 2 if blocks else None))
        number += 2 * len(widths) + 2
    return tuple(blocks)


TRUNKS = {
    "VGG-16": _vgg(),
    "AlexNet": (
        Block((Layer(0, 64, 11, 2, 2, blurred=True),)),
        Block((Layer(5, 192, 5, 1, 2),), 3),
        Block((Layer(9, 384),), 3),
        Block((Layer(11, 256),)),
        Block((Layer(13, 256),)),
    ),
}
"""Blocks of each network; the first kernel of a file identifies the network."""


class Perceptual(nn.Module):
    """Shift-tolerant LPIPS, with the weights of the PyPI package `stlpips-pytorch`.

    It differs from LPIPS in its down-sampling: a dense maximum, then a blur [1, 2, 1] of stride 2
    with two reflected pixels on each side.

    Ghildyal & Liu, "Shift-tolerant Perceptual Similarity Metric", ECCV 2022,
    https://arxiv.org/abs/2207.13686.
    """

    def __init__(self, trunk: str = "VGG-16") -> None:
        super().__init__()
        self.trunk, self.plan = trunk, TRUNKS[trunk]
        self.blocks = nn.ModuleList()
        before = 3
        for block in self.plan:
            convolutions = nn.ModuleList()
            for layer in block.layers:
                convolutions.append(
                    nn.Conv2d(before, layer.width, layer.kernel, layer.stride, layer.padding)
                )
                before = layer.width
            self.blocks.append(convolutions)
        self.widths = [block.layers[-1].width for block in self.plan]
        self.weights = nn.ParameterList([torch.ones(width) for width in self.widths])
        self.register_buffer("shift", torch.zeros(3))
        self.register_buffer("scale", torch.ones(3))
        self.requires_grad_(False).eval()

    @classmethod
    def load(cls, path: Path) -> "Perceptual":
        """Read `vgg_shift_tolerant.pth` or `alex_shift_tolerant.pth`.

        Raises:
            InputError: The file is missing or holds something else.
        """
        if not path.is_file():
            raise InputError(
                f"no such file: {path}. Expected vgg_shift_tolerant.pth or "
                "alex_shift_tolerant.pth of the PyPI package stlpips-pytorch"
            )
        stored = read(path)
        first = stored.get("net.slice1.0.weight", torch.empty(0))
        network = cls("AlexNet" if first.shape[-1:] == (11,) else "VGG-16")
        try:
            load_into(network, _rename(stored, network.plan), path)
        except KeyError as error:
            raise InputError(
                f"{path}: not the weights of ST-LPIPS with {' or '.join(TRUNKS)} ({error})"
            ) from error
        return network

    def features(self, pictures: Float[Tensor, "n 3 h w"]) -> list[Tensor]:
        """Return each block's output with channels of unit length, for pictures in [0, 1]."""
        x = (2 * pictures - 1 - self.shift.view(-1, 1, 1)) / self.scale.view(-1, 1, 1)  # type: ignore[operator]
        features = []
        for block, convolutions in zip(self.plan, self.blocks, strict=True):
            if block.window:
                x = _blur_and_halve(F.max_pool2d(x, block.window, 1))
            for layer, convolution in zip(block.layers, convolutions, strict=True):  # type: ignore[call-overload]
                x = convolution(x)
                x = (_blur_and_halve(x) if layer.blurred else x).relu()
            y = x.float()  # squares overflow in half precision
            features.append(y / (y.square().sum(1, keepdim=True).sqrt() + 1e-10))
        return features

    def distance(
        self, pictures: Float[Tensor, "n 3 h w"], others: Float[Tensor, "n 3 h w"]
    ) -> Float[Tensor, " n"]:
        """Return ST-LPIPS, which is 0 for equal pictures."""
        total = pictures.new_zeros(len(pictures))
        features = self.features(torch.cat([pictures, others]))
        for weight, pair in zip(self.weights, features, strict=True):
            a, b = pair.chunk(2)
            total = total + torch.einsum("nchw,c->nhw", (a - b).square(), weight).mean((1, 2))
        return total

    @staticmethod
    def feature_distance(features: list[Tensor], targets: list[Tensor]) -> Float[Tensor, " n"]:
        """Return the training loss of generators: the unweighted distance without the last block.

        Args:
            features: `features` of the generated pictures.
            targets: `features` of the original pictures.
        """
        total = features[0].new_zeros(len(features[0]))
        for a, b in zip(features[:-1], targets, strict=False):
            total = total + (a - b).square().sum(1).mean((1, 2))
        return total


def _rename(stored: dict[str, Tensor], plan: tuple[Block, ...]) -> dict[str, Any]:
    """Return published tensors under the module's keys."""
    renamed = {}
    for b, block in enumerate(plan):
        for i, layer in enumerate(block.layers):
            for kind in ("weight", "bias"):
                key = f"net.slice{b + 1}.{layer.number}.{kind}"
                renamed[f"blocks.{b}.{i}.{kind}"] = stored[key]
        renamed[f"weights.{b}"] = stored[f"lin{b}.model.1.weight"].flatten()
    for name in ("shift", "scale"):
        renamed[name] = stored[f"scaling_layer.{name}"].flatten()
    return renamed


def _blur_and_halve(x: Tensor) -> Tensor:
    """Blur with [1, 2, 1] / 4 and take every second pixel."""
    x = F.pad(x, (2, 2, 2, 2), mode="reflect")
    blur = F.pad(x.new_full((1,), 0.5), (1, 1), value=0.25)  # made where x is
    kernel = (blur[:, None] * blur).expand(x.shape[1], 1, 3, 3)
    return F.conv2d(x, kernel, stride=2, groups=x.shape[1])
