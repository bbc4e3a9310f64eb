"""A model in a file."""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from unsee.classifiers.classifier import Classifier
from unsee.errors import InputError
from unsee.networks.weights import require_trust
from unsee.sources._custom import CustomModel, import_object
from unsee.sources._weights import load_weights

__all__ = ["File"]

PROGRAMS = {"script": "a TorchScript program", "export": "a torch.export program"}
"""Kinds of files that are programs."""
WITHOUT_CODE = "safetensors with architecture=NAME, or ONNX (blackbox:model.onnx)"
"""Kinds of files that run no code."""


@dataclass(frozen=True)
class File(CustomModel):
    """A model in a file: torch.export program, TorchScript, or weights with their architecture."""

    argument: ClassVar[str] = "PATH"

    architecture: str | None = None
    """Architecture of a file of weights: `torchvision:NAME`, `timm:NAME` or
    package.module:function; default: the file holds a whole model."""
    trust: bool = False
    """Whether to load programs (torch.export, TorchScript), which can run any code. Weights never
    run code and need no trust."""

    def load(self, argument: str) -> Classifier:
        """Load a file; its kind is detected from the content, not from the name."""
        path = Path(argument)
        if not path.is_file():
            raise InputError(f"{path}: no such model file")
        kind = _kind(path)
        if kind == "weights":
            return self._from_weights(path)
        if self.architecture:
            raise InputError(f"{path}: holds a whole model ({kind}); omit architecture")
        require_trust(path, PROGRAMS[kind], WITHOUT_CODE, trust=self.trust)
        try:
            model = _exported(path) if kind == "export" else torch.jit.load(path, "cpu").eval()
        except Exception as error:
            raise InputError(f"{path}: cannot be loaded ({str(error).splitlines()[0]})") from error
        return Classifier(model, name=f"file:{path}", **self.classifier_arguments())

    def _from_weights(self, path: Path) -> Classifier:
        source, _, name = (self.architecture or "").partition(":")
        if not name or self.architecture is None:
            raise InputError(
                f"{path}: holds weights without an architecture; name it "
                "(architecture = torchvision:NAME, timm:NAME or package.module:function)"
            )
        if source in {"torchvision", "timm"}:
            from unsee.sources.timm import Timm
            from unsee.sources.torchvision import Torchvision

            kind = {"torchvision": Torchvision, "timm": Timm}[source]
            return kind(weights=str(path)).load(name)
        model = import_object(self.architecture)()
        if not isinstance(model, nn.Module):
            raise InputError(f"{self.architecture}: expected a module, got {type(model).__name__}")
        load_weights(model, path)
        return Classifier(model.eval(), name=f"file:{path}", **self.classifier_arguments())


def _kind(path: Path) -> Literal["weights", "script", "export"]:
    """Return whether a file is a torch.export program, TorchScript, or anything with weights."""
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
    for part in module.modules():  # the export fixed the mode; the flag has no effect
        part.training = False
    (shape,) = [
        node.meta["val"].shape
        for node in program.graph.nodes
        if node.op == "placeholder" and node.name in program.graph_signature.user_inputs
    ]
    return _FixedBatch(module, int(shape[0])) if isinstance(shape[0], int) else module


class _FixedBatch(nn.Module):
    """A program that was exported for a fixed batch size, for batches of any size."""

    def __init__(self, program: nn.Module, batch: int) -> None:
        super().__init__()
        self.program, self.batch = program, batch
        self.training = False

    def forward(self, images: Tensor) -> Tensor:
        """Run the program on padded parts of the batch."""
        outputs = []
        for part in images.split(self.batch):
            missing = self.batch - len(part)
            padded = torch.cat([part, part[:1].expand(missing, -1, -1, -1)]) if missing else part
            outputs.append(self.program(padded)[: len(part)])
        return torch.cat(outputs)
