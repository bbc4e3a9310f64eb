"""LaMa."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from unsee.errors import InputError, as_input_error
from unsee.infillers._generative import GenerativeInfiller, Network
from unsee.infillers.base import ImageBatch, RowIndex
from unsee.networks import weights as files
from unsee.process.libraries import quiet
from unsee.storage.files import check_file
from unsee.types import FlatKeep, Variants

__all__ = ["LaMa"]

STRIDE = 8
"""Sides are padded to multiples of this many pixels."""
TRIAL_SIDE = 64
"""Side of the picture on which a network is tried."""


@dataclass(frozen=True)
class LaMa(GenerativeInfiller):
    """A result of LaMa, whose Fourier convolutions depend on the whole picture.

    Depends on the mask; deterministic. Needs the published TorchScript, or any other TorchScript
    from an image (n, 3, h, w) in [0, 1] and a hole (n, 1, h, w) to an image.

    Suvorov et al., "Resolution-robust Large Mask Inpainting with Fourier Convolutions", WACV 2022,
    https://arxiv.org/abs/2109.07161.
    """

    published: ClassVar[files.Published] = files.Published(
        "big-lama.pt",
        "https://github.com/Sanster/models/releases/download/add_big_lama/big-lama.pt",
        "Apache-2.0",
        "md5:e3aa4aaa15225a33ec84f9f4bc47e500",
    )

    weights: str | None = None
    """Path of the TorchScript; default: the published one in the cache folder."""
    trust: bool = False
    """Whether to load a TorchScript that is not the published one; it can run any code."""

    def load(self) -> Network:
        """Read the TorchScript."""
        path = check_file(files.find(self.weights, self.published), "TorchScript")
        # `find` has checked the published file already
        trust = self.trust or not self.weights or files.has_digest(path, self.published.digest)
        instead = "the published file, whose checksum is known"
        files.require_trust(path, "a TorchScript of unknown origin", instead, trust=trust)
        with quiet(), as_input_error(f"{path}: not a TorchScript of LaMa"):
            network = torch.jit.load(str(path), "cpu").eval()
            _check(network, path)
        return network

    def paint(
        self,
        network: Network,
        pictures: Variants,
        keep: FlatKeep,
        rows: RowIndex,
        batch: ImageBatch,
    ) -> Variants:
        """Fill the pictures, padded to multiples of 8 pixels."""
        h, w = pictures.shape[-2:]
        edges = (0, -w % STRIDE, 0, -h % STRIDE)
        hole = F.pad(1 - keep, edges, mode="replicate")
        painted: Variants = network(F.pad(pictures, edges, mode="replicate"), hole)
        return painted[..., :h, :w]


def _check(network: Any, path: Path) -> None:
    """Raise `InputError` unless a network takes a picture and a hole and returns a picture."""
    picture, hole = torch.zeros(1, 3, TRIAL_SIDE, TRIAL_SIDE), torch.zeros(1, 1, *[TRIAL_SIDE] * 2)
    with torch.no_grad():
        painted = network(picture, hole)
    shape = tuple(painted.shape) if isinstance(painted, Tensor) else type(painted).__name__
    if shape != tuple(picture.shape):
        raise InputError(f"{path}: expected a picture {tuple(picture.shape)}, got {shape}")
