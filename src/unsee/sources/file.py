"""A model in a file."""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn

from unsee.classifiers.classifier import Classifier
from unsee.errors import InputError
from unsee.sources import _weights
from unsee.sources._own import OwnModel, imported

__all__ = ["File"]


@dataclass(frozen=True)
class File(OwnModel):
    """A model in a file: torch.export program, TorchScript, or weights with their architecture."""

    argument: ClassVar[str] = "PATH"

    architecture: str = ""
    """What weights alone belong to: `torchvision:NAME`, `timm:NAME` or package.module:function."""

    def load(self, argument: str) -> Classifier:
        """By the file's content, whatever its name."""
        path = Path(argument)
        if not path.is_file():
            raise InputError(f"{path}: no such model file")
        kind = _kind(path)
        if kind == "weights":
            return self._from_weights(path)
        if self.architecture:
            raise InputError(f"{path}: it is a whole model ({kind}); leave architecture out")
        try:
            model = _exported(path) if kind == "export" else torch.jit.load(path, "cpu").eval()
        except Exception as error:
            raise InputError(f"{path}: cannot be loaded ({str(error).splitlines()[0]})") from error
        return Classifier(model, name=f"file:{path}", **self.feeding())

    def _from_weights(self, path: Path) -> Classifier:
        source, _, name = self.architecture.partition(":")
        if not name:
            raise InputError(
                f"{path}: weights alone do not make a model; say their architecture "
                "(architecture = torchvision:NAME, timm:NAME or package.module:function)"
            )
        if source in {"torchvision", "timm"}:
            from unsee.sources.timm import Timm
            from unsee.sources.torchvision import Torchvision

            kind = {"torchvision": Torchvision, "timm": Timm}[source]
            return kind(weights=str(path)).load(name)
        model = imported(self.architecture)()
        if not isinstance(model, nn.Module):
            raise InputError(f"{self.architecture}: expected a module, got {type(model).__name__}")
        _weights.fill(model, path)
        return Classifier(model.eval(), name=f"file:{path}", **self.feeding())


def _kind(path: Path) -> str:
    """Whether a file is a torch.export program, TorchScript or something with weights."""
    if not zipfile.is_zipfile(path):
        return "weights"
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    if any("/code/" in name or name.startswith("code/") for name in names):
        return "script"
    exported = any(name.endswith((".json", "archive_format")) and "model" in name for name in names)
    return "export" if exported or path.suffix == ".pt2" else "weights"


def _exported(path: Path) -> nn.Module:
    program = torch.export.load(path)
    module = program.module()
    for part in module.modules():  # the mode was fixed at export; the flag means nothing
        part.training = False
    (shape,) = [
        value.meta["val"].shape
        for value in program.graph.nodes
        if value.op == "placeholder" and value.name in program.graph_signature.user_inputs
    ]
    return _FixedBatch(module, int(shape[0])) if isinstance(shape[0], int) else module


class _FixedBatch(nn.Module):
    """A program that was exported for a fixed number of images, fed with any number."""

    def __init__(self, program: nn.Module, batch: int) -> None:
        super().__init__()
        self.program, self.batch = program, batch
        self.training = False

    def forward(self, images: Tensor) -> Tensor:
        outputs = []
        for part in images.split(self.batch):
            missing = self.batch - len(part)
            full = torch.cat([part, part[:1].expand(missing, -1, -1, -1)]) if missing else part
            outputs.append(self.program(full)[: len(part)])
        return torch.cat(outputs)
