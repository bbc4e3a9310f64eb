"""What both versions of DeepFill share."""

from pathlib import Path
from typing import ClassVar, Literal

from torch import Tensor

from unsee.errors import InputError
from unsee.infillers._generative import Generative, Network, hard, resized
from unsee.infillers.base import ImageBatch, RowIndex
from unsee.networks import deepfill, tensorflow
from unsee.networks import weights as files
from unsee.types import FlatKeep, Variants


class DeepFillInfiller(Generative):
    """A published DeepFill; subclasses say which."""

    version: ClassVar[Literal[1, 2]]
    published: ClassVar[files.Published]
    weights: str
    side: int

    def load(self) -> Network:
        """From a TensorFlow checkpoint, or from a file of PyTorch or safetensors in our names."""
        if self.weights == files.RANDOM:
            return files.untrained(deepfill.DeepFill, self.version, 8)
        path = files.find(self.weights, self.published)
        if path.suffix in {".safetensors", ".pt", ".pth"}:
            found = files.load(path)
        else:
            found = converted(path, self.version)
        first = found["conv1.weight"].shape[0] if "conv1.weight" in found else 0
        return files.load_into(deepfill.DeepFill(self.version, first), found, path)

    def paint(
        self, network: Network, shown: Variants, keep: FlatKeep, rows: RowIndex, scene: ImageBatch
    ) -> Variants:
        """At the picture's own size, or at the side that the network was trained at."""
        size = (shown.shape[-2], shown.shape[-1])
        own = (self.side, self.side) if self.side else size
        seen = hard(keep, own)
        painted: Variants = network(resized(shown, own) * seen, seen)
        return resized(painted, size)


def converted(path: Path, version: int) -> dict[str, Tensor]:
    """The published variables in our names, kernels turned; what only trains is left out."""
    prefix = _newest(path)
    variables = tensorflow.read(prefix)
    names = dict(deepfill.names(version))
    absent = sorted(names.keys() - variables.keys())
    if absent:
        raise InputError(
            f"{prefix} holds another network: {', '.join(absent[:3])} and others are missing; "
            f"it holds {', '.join(sorted(variables)[:3])} ..."
        )
    return {
        ours: variables[theirs].permute(3, 2, 0, 1).contiguous()
        if theirs.endswith("kernel")
        else variables[theirs]
        for theirs, ours in names.items()
    }


def _newest(path: Path) -> Path:
    """A folder stands for the checkpoint that is in it."""
    if not path.is_dir():
        return path
    found = sorted(path.glob("*.index"), key=lambda index: index.stat().st_mtime)
    if not found:
        raise InputError(f"{path} holds no TensorFlow checkpoint (*.index)")
    return found[-1]
