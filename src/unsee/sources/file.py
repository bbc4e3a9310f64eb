"""A model in a file."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn

from unsee.classifiers.classifier import Classifier
from unsee.classifiers.passes import in_evaluation
from unsee.errors import InputError, as_input_error
from unsee.networks.reading import Kind, kind_of
from unsee.networks.weights import require_trust
from unsee.process.libraries import quiet
from unsee.sources._custom import CustomModel, call
from unsee.sources._weights import load_weights
from unsee.storage.files import check_file

__all__ = ["File"]

PROGRAMS: dict[Kind, str] = {
    "script": "a TorchScript program",
    "export": "a torch.export program",
    "compiled": "a compiled program (AOTInductor)",
}
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
        path = check_file(argument, "model file")
        if path.suffix == ".onnx":
            raise InputError(f"{path}: an ONNX file is loaded with blackbox:{path}")
        kind = kind_of(path)
        if kind == "weights" and path.suffix != ".pt2":
            return self._from_weights(path)
        kind = "export" if kind == "weights" else kind
        if self.architecture:
            raise InputError(f"{path}: holds {PROGRAMS[kind]}; omit architecture")
        require_trust(path, PROGRAMS[kind], WITHOUT_CODE, trust=self.trust)
        with quiet(), as_input_error(f"{path}: cannot be loaded"):
            model = _program(path, kind)
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
            return self.applied_to(kind(weights=str(path)).load(name))
        model = call(self.architecture)
        if not isinstance(model, nn.Module):
            raise InputError(f"{self.architecture}: expected a module, got {type(model).__name__}")
        load_weights(model, path)
        return Classifier(in_evaluation(model), name=f"file:{path}", **self.classifier_arguments())


def _program(path: Path, kind: Kind) -> nn.Module:
    if kind == "script":
        script: nn.Module = torch.jit.load(path, "cpu").eval()
        return script
    if kind == "compiled":
        raise InputError(f"{path}: compiled programs cannot be used; save with torch.export.save")
    program = torch.export.load(path)
    module = program.module()
    shapes = [
        node.meta["val"].shape
        for node in program.graph.nodes
        if node.op == "placeholder" and node.name in program.graph_signature.user_inputs
    ]
    if len(shapes) != 1:
        raise InputError(f"{path}: expected a program with one input, got {len(shapes)}")
    batch = shapes[0][0]
    return _FixedBatch(module, int(batch)) if isinstance(batch, int) else module


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
