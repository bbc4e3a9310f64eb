"""Trunks of shift-tolerant VGG-16 and AlexNet, to compare pictures by what they show."""

from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from unsee.errors import InputError
from unsee.networks import weights as files


class Layer(NamedTuple):
    """A convolution and the rectifier behind it."""

    number: int
    """In the published file."""
    width: int
    kernel: int = 3
    stride: int = 1
    padding: int = 1
    blurred: bool = False
    """Whether a blur of stride 2 stands between both."""


class Block(NamedTuple):
    """What is compared as one: the output of its last layer."""

    layers: tuple[Layer, ...]
    window: int = 0
    """Of the dense maximum before the blur that halves its input; 0 does not halve."""


def _vgg() -> tuple[Block, ...]:
    blocks: list[Block] = []
    number = 0
    for widths in ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512)):
        layers = tuple(Layer(number + 2 * i, width) for i, width in enumerate(widths))
        blocks.append(Block(layers, 2 if blocks else 0))
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
"""By name; their first kernels tell them apart."""


class Perceptual(nn.Module):
    """ST-LPIPS (Ghildyal & Liu, ECCV 2022), from the weights of the PyPI package `stlpips-pytorch`.

    Shift-tolerant LPIPS, not LPIPS: halving is a dense maximum and then a blur [1, 2, 1] of stride
    2, with two mirrored pixels around. The module's names are ours; `load` maps the published ones.
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
        widths = [block.layers[-1].width for block in self.plan]
        self.weights = nn.ParameterList([torch.ones(width) for width in widths])
        self.register_buffer("shift", torch.zeros(3))
        self.register_buffer("scale", torch.ones(3))
        self.requires_grad_(False).eval()

    @classmethod
    def load(cls, path: Path) -> "Perceptual":
        """Read `vgg_shift_tolerant.pth` or `alex_shift_tolerant.pth`.

        Raises `InputError` for a file that is missing or holds something else.
        """
        if not path.is_file():
            raise InputError(f"{path}: no such file; the PyPI package stlpips-pytorch ships it")
        stored = files.load(path)
        first = stored.get("net.slice1.0.weight", torch.empty(0))
        network = cls("AlexNet" if first.shape[-1:] == (11,) else "VGG-16")
        try:
            network.load_state_dict(_ours(stored, network.plan))
        except (KeyError, RuntimeError) as error:
            raise InputError(
                f"{path}: not the weights of ST-LPIPS with {' or '.join(TRUNKS)} ({error})"
            ) from error
        return network

    def features(self, pictures: Float[Tensor, "n 3 h w"]) -> list[Tensor]:
        """The last layer of each block, of pictures in [0, 1], with channels of unit length."""
        x = (2 * pictures - 1 - self.shift.view(-1, 1, 1)) / self.scale.view(-1, 1, 1)  # type: ignore[operator]
        found = []
        for block, convolutions in zip(self.plan, self.blocks, strict=True):
            if block.window:
                x = _blurred(F.max_pool2d(x, block.window, 1))
            for layer, convolution in zip(block.layers, convolutions, strict=True):  # type: ignore[call-overload]
                x = convolution(x)
                x = (_blurred(x) if layer.blurred else x).relu()
            y = x.float()  # squares overflow in half precision
            found.append(y / (y.square().sum(1, keepdim=True).sqrt() + 1e-10))
        return found

    def distance(
        self, pictures: Float[Tensor, "n 3 h w"], others: Float[Tensor, "n 3 h w"]
    ) -> Float[Tensor, " n"]:
        """ST-LPIPS: 0 for equal pictures."""
        total = pictures.new_zeros(len(pictures))
        for weight, both in zip(
            self.weights, self.features(torch.cat([pictures, others])), strict=True
        ):
            a, b = both.chunk(2)
            total = total + torch.einsum("nchw,c->nhw", (a - b).square(), weight).mean((1, 2))
        return total

    def forward(
        self, pictures: Float[Tensor, "n 3 h w"], others: Float[Tensor, "n 3 h w"]
    ) -> Float[Tensor, " n"]:
        """Mean difference of all blocks but the last, unweighted: what generators train with.

        The gradient goes to `pictures` alone.
        """
        with torch.no_grad():
            wanted = self.features(others)
        total = pictures.new_zeros(len(pictures))
        for a, b in zip(self.features(pictures)[:-1], wanted, strict=False):
            total = total + (a - b).square().sum(1).mean((1, 2))
        return total


def _ours(stored: dict[str, Tensor], plan: tuple[Block, ...]) -> dict[str, Any]:
    """Published tensors under the module's names."""
    found = {}
    for b, block in enumerate(plan):
        for i, layer in enumerate(block.layers):
            for kind in ("weight", "bias"):
                found[f"blocks.{b}.{i}.{kind}"] = stored[f"net.slice{b + 1}.{layer.number}.{kind}"]
        found[f"weights.{b}"] = stored[f"lin{b}.model.1.weight"].flatten()
    for name in ("shift", "scale"):
        found[name] = stored[f"scaling_layer.{name}"].flatten()
    return found


def _blurred(x: Tensor) -> Tensor:
    """Half the size, hardly changed by a shift of the picture."""
    x = F.pad(x, (2, 2, 2, 2), mode="reflect")
    blur = x.new_tensor([1.0, 2.0, 1.0]) / 4
    kernel = (blur[:, None] * blur).expand(x.shape[1], 1, 3, 3)
    return F.conv2d(x, kernel, stride=2, groups=x.shape[1])
