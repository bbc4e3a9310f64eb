"""The trunk of a shift-tolerant VGG-16, to compare pictures by what they show."""

from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from unsee.errors import InputError

WIDTHS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
"""Output channels of the convolutions of each block; between blocks the size is halved."""


class Perceptual(nn.Module):
    """ST-LPIPS with VGG-16 (Ghildyal & Liu, ECCV 2022), from the weights of `stlpips-pytorch`.

    Shift-tolerant LPIPS, not LPIPS: halving is a dense maximum and then a blur [1, 2, 1] of stride
    2, with two mirrored pixels around. The module's names are ours; `load` maps the published ones.
    """

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList()
        before = 3
        for widths in WIDTHS:
            convolutions = nn.ModuleList()
            for width in widths:
                convolutions.append(nn.Conv2d(before, width, 3, padding=1))
                before = width
            self.blocks.append(convolutions)
        self.weights = nn.ParameterList([torch.ones(widths[-1]) for widths in WIDTHS])
        self.register_buffer("shift", torch.zeros(3))
        self.register_buffer("scale", torch.ones(3))
        self.requires_grad_(False).eval()

    @classmethod
    def load(cls, path: Path) -> "Perceptual":
        """Read `vgg_shift_tolerant.pth`.

        Raises `InputError` for a file that is missing or holds something else.
        """
        if not path.is_file():
            raise InputError(f"{path}: no such file; the PyPI package stlpips-pytorch ships it")
        stored = torch.load(path, map_location="cpu", weights_only=True)
        numbers, at = [], 0
        for widths in WIDTHS:  # as published: convolution, ReLU, ...; then maximum and blur
            numbers.append([at + 2 * i for i in range(len(widths))])
            at += 2 * len(widths) + 2
        found = {}
        try:
            for b, block in enumerate(numbers):
                for i, number in enumerate(block):
                    for kind in ("weight", "bias"):
                        found[f"blocks.{b}.{i}.{kind}"] = stored[
                            f"net.slice{b + 1}.{number}.{kind}"
                        ]
                found[f"weights.{b}"] = stored[f"lin{b}.model.1.weight"].flatten()
            for name in ("shift", "scale"):
                found[name] = stored[f"scaling_layer.{name}"].flatten()
        except KeyError as error:
            raise InputError(f"{path}: not the weights of ST-LPIPS with VGG ({error})") from error
        network = cls()
        network.load_state_dict(found)
        return network

    def features(self, pictures: Float[Tensor, "n 3 h w"]) -> list[Tensor]:
        """The last layer of each block, of pictures in [0, 1], with channels of unit length."""
        x = (2 * pictures - 1 - self.shift.view(-1, 1, 1)) / self.scale.view(-1, 1, 1)  # type: ignore[operator]
        found = []
        for number, block in enumerate(self.blocks):
            if number:
                x = _halved(x)
            for convolution in block:  # type: ignore[attr-defined]
                x = convolution(x).relu()
            found.append(x / (x.square().sum(1, keepdim=True).sqrt() + 1e-10))
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
        """Mean difference of the layers, unweighted: what the generator is trained with."""
        total = pictures.new_zeros(len(pictures))
        for both in self.features(torch.cat([pictures, others]))[:4]:
            a, b = both.chunk(2)
            total = total + (a - b).square().sum(1).mean((1, 2))
        return total


def _halved(x: Tensor) -> Tensor:
    """Half the size, hardly changed by a shift of the picture."""
    x = F.pad(F.max_pool2d(x, 2, 1), (2, 2, 2, 2), mode="reflect")
    blur = x.new_tensor([1.0, 2.0, 1.0]) / 4
    kernel = (blur[:, None] * blur).expand(x.shape[1], 1, 3, 3)
    return F.conv2d(x, kernel, stride=2, groups=x.shape[1])
