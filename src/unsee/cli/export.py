"""`unsee export`: methods that are trained networks as ONNX files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from unsee.classifiers import loading
from unsee.cli import checks
from unsee.cli.console import say
from unsee.cli.explain_options import ClassifierName, Trust
from unsee.cli.parsing import parse
from unsee.integrations.onnx import export
from unsee.registry import resolve


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """Write a method that is a trained network, with its classifier, as an ONNX file.

    The file takes pixels in [0, 1] at the size of the classifier's input, any number of images, and
    returns maps of that size. For distilled it also takes classes; -1 is the predicted class. The
    file is compared with PyTorch before it appears. Needs onnx, onnxscript and onnxruntime.
    """

    method: Annotated[str, Positional, arg(metavar="METHOD")]
    """casm, distilled or variational, with or without settings: distilled:weights=PATH."""
    classifier: ClassifierName = loading.DEFAULT
    """Classifier; see `unsee list classifiers`."""
    out: Annotated[Path, arg(metavar="FILE")] = Path("unsee.onnx")
    """File that is written."""
    trust: Trust = False
    """Load classifiers that are programs (TorchScript, torch.export), which can run any code on
    this machine."""
    overwrite: bool = False
    """Replace an existing file."""

    def check(self) -> None:
        """Check what can be checked before anything is loaded."""
        resolve("methods", self.method).check()
        resolve("sources", self.classifier)
        checks.writable(self.out.absolute().parent)


def run(arguments: list[str]) -> int:
    """Write the file, and say what it takes and returns."""
    options = parse(ExportOptions, arguments, "unsee export")
    options.check()
    classifier = loading.load(options.classifier, device="cpu", trust=options.trust)
    file = export(classifier, options.method, options.out, overwrite=options.overwrite)
    say(
        f"{file.path}: {', '.join(file.inputs)} -> {', '.join(file.outputs)}; maps differ from "
        f"PyTorch's by at most {file.difference:.2g} of their range\n",
        results=[file.path], inputs=file.inputs, outputs=file.outputs, difference=file.difference,
    )  # fmt: skip
    return 0
