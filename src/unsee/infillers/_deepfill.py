"""Base of the two versions of DeepFill."""

from pathlib import Path
from typing import ClassVar, Literal

from torch import Tensor

from unsee.errors import InputError
from unsee.infillers._generative import GenerativeInfiller, Network, resize_mask, resize_pictures
from unsee.infillers.base import ImageBatch, RowIndex
from unsee.networks import deepfill, tensorflow
from unsee.networks import weights as files
from unsee.networks.reading import read
from unsee.types import FlatKeep, Variants

UNTRAINED_WIDTH = 8
"""Channels of the first layer with `weights = "random"`."""


class DeepFillInfiller(GenerativeInfiller):
    """Base of the two published versions of DeepFill."""

    version: ClassVar[Literal[1, 2]]
    published: ClassVar[files.Published]
    weights: str | None
    side: int | None

    def load(self) -> Network:
        """Read a TensorFlow checkpoint, or a file of PyTorch or safetensors with our keys."""
        if self.weights == files.RANDOM:
            return files.untrained(deepfill.DeepFill, self.version, UNTRAINED_WIDTH)
        path = files.find(self.weights, self.published)
        weights = read(path) if path.suffix in {".safetensors", ".pt", ".pth"} else convert(path)
        width = weights["conv1.weight"].shape[0] if "conv1.weight" in weights else None
        return files.load_into(deepfill.DeepFill(self.version, width), weights, path)

    def paint(
        self,
        network: Network,
        pictures: Variants,
        keep: FlatKeep,
        rows: RowIndex,
        batch: ImageBatch,
    ) -> Variants:
        """Fill at `side`, or at the size of the picture."""
        size = (pictures.shape[-2], pictures.shape[-1])
        network_size = (self.side, self.side) if self.side else size
        visible = resize_mask(keep, network_size)
        painted: Variants = network(resize_pictures(pictures, network_size) * visible, visible)
        return resize_pictures(painted, size)


def convert(path: Path) -> dict[str, Tensor]:
    """Read a checkpoint under our keys, without the variables that only training needs.

    Raises:
        InputError: The checkpoint is of another network.
    """
    prefix = _newest_checkpoint(path)
    variables = tensorflow.read(prefix)
    names = dict(deepfill.variable_names())
    missing = sorted(names.keys() - variables.keys())
    if missing:
        raise InputError(
            f"{prefix} holds another network: {', '.join(missing[:3])} and others are missing; "
            f"it holds {', '.join(sorted(variables)[:3])} ..."
        )
    return {
        name: variables[published_name]
        .permute(3, 2, 0, 1)
        .contiguous()  # TensorFlow's order: h, w, in, out
        if published_name.endswith("kernel")
        else variables[published_name]
        for published_name, name in names.items()
    }


def _newest_checkpoint(path: Path) -> Path:
    """Return the newest checkpoint of a folder; other paths are returned as they are."""
    if not path.is_dir():
        return path
    indices = sorted(path.glob("*.index"), key=lambda index: index.stat().st_mtime)
    if not indices:
        raise InputError(f"{path} holds no TensorFlow checkpoint (*.index)")
    return indices[-1]
