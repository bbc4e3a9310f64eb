"""LaMa, which sees the whole picture through Fourier convolutions."""

import warnings
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F

from unsee.errors import InputError
from unsee.infillers._generative import Generative, Network
from unsee.infillers.base import ImageBatch, RowIndex
from unsee.networks import weights as files
from unsee.types import FlatKeep, Variants

__all__ = ["LaMa"]


@dataclass(frozen=True)
class LaMa(Generative):
    """Large mask in-painting (Suvorov et al., WACV 2022), from its published TorchScript.

    Any TorchScript (image (n, 3, h, w) in [0, 1], hole (n, 1, h, w)) -> image does.
    """

    published: ClassVar[files.Published] = files.Published(
        "big-lama.pt",
        "https://github.com/Sanster/models/releases/download/add_big_lama/big-lama.pt",
        "Apache-2.0",
        "md5:e3aa4aaa15225a33ec84f9f4bc47e500",
    )

    weights: str = ""
    """Path of the TorchScript; by default the published one in the cache."""

    def load(self) -> Network:
        """The script, as it was saved."""
        path = files.find(self.weights, self.published)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # there is no other format
                network: Network = torch.jit.load(str(path), "cpu").eval()
        except RuntimeError as error:
            raise InputError(f"{path} is no TorchScript: {str(error).splitlines()[0]}") from error
        return network

    def paint(
        self, network: Network, shown: Variants, keep: FlatKeep, rows: RowIndex, scene: ImageBatch
    ) -> Variants:
        """With sides padded to multiples of 8."""
        h, w = shown.shape[-2:]
        edges = (0, -w % 8, 0, -h % 8)
        hole = F.pad(1 - keep, edges, mode="replicate")
        painted: Variants = network(F.pad(shown, edges, mode="replicate"), hole)
        return painted[..., :h, :w]
