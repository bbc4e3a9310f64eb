"""Export the methods that are trained networks to ONNX files."""

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unsee.classifiers import loading
from unsee.classifiers.classifier import Classifier
from unsee.classifiers.measures import Logits
from unsee.classifiers.passes import Passes
from unsee.errors import InputError, TakenError, missing_package, reason
from unsee.integrations._backward import trace_with_gradient
from unsee.masking import masks
from unsee.methods._decoded import OnePassNetwork
from unsee.methods._one_pass import OnePassMethod
from unsee.methods.base import Method
from unsee.networks.onnx_session import open_session, run
from unsee.registry import available, name_of, part, resolve, settings_of
from unsee.storage.files import exists
from unsee.storage.folders import new_file
from unsee.study import Study
from unsee.types import Images, Saliency, Targets, Variants

PACKAGES = ("onnx", "onnxscript", "onnxruntime")
"""Packages of the extra `onnx`."""
TRACED, CHECKED = 5, 3
"""Images of the batches with which the network is traced, and checked. The first differs from the
number of channels and from the sides, so that tracing does not take its axis for theirs."""
CELLS = 12
"""Cells per side of the coarse noise that these images are made of."""
TOLERANCE, GRADIENT_TOLERANCE = 1e-3, 2e-2
"""Largest difference from PyTorch's maps, as a share of the range of the map; the second for
networks that read gradients, which jump where an activation crosses zero."""
LARGEST_CONSTANT = 2**28
"""Elements of a tensor up to which it is computed when the file is written, not at each pass."""
PREDICTED = -1
"""Number that stands for the predicted class."""
DESCRIPTIONS = {
    "image": "float32 (n, channels, height, width), pixels in [0, 1]; the file normalises them",
    "target": f"int64 (n,), numbers of classes; {PREDICTED} is the predicted class",
    "saliency": "float32 (n, height, width), higher is more important",
    "class": "int64 (n,), the classes that the maps are for",
}
"""Inputs and outputs of a file. `target` and `class` exist where a map is for a class."""


@dataclass(frozen=True)
class ExportedFile:
    """What was written."""

    path: Path
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    difference: float
    """Largest difference from PyTorch's maps of random images, as a share of a map's range."""


def export(
    model: Classifier | nn.Module | str,
    method: Method | str,
    path: str | Path,
    *,
    overwrite: bool = False,
) -> ExportedFile:
    """Write a method that is a trained network, with its classifier, as an ONNX file.

    The file takes any number of images at the size of the classifier's input, pixels in [0, 1], and
    returns their maps at that size. It is run with onnxruntime and compared with PyTorch before it
    appears. Its metadata has the settings of the method and of the classifier.

    Args:
        model: A classifier on the CPU, a module in evaluation mode, or the name of a classifier.
        method: One of `casm`, `distilled` and `variational`, by name with or without settings.
        path: Name of the file; it ends in `.onnx`.
        overwrite: Whether the file may exist.

    Raises:
        InputError: The method takes more than one pass, its network or the classifier's cannot be
            exported, a package of the extra `onnx` is missing, or the file cannot be written.
    """
    path, method = Path(path), _one_pass(method)
    for package in PACKAGES:
        if find_spec(package) is None:
            raise missing_package(package, "an ONNX file")
    if path.suffix != ".onnx":
        raise InputError(f"{path}: expected a name that ends in .onnx")
    if exists(path) and not overwrite:
        raise TakenError(f"{path}: exists already; overwrite it: {{overwrite}}", overwrite=True)
    classifier = loading.load(model, device="cpu" if isinstance(model, str) else None)
    classifier.require_network("an ONNX file")
    precisions = {classifier.dtype, classifier.precision}
    if classifier.device.type != "cpu" or precisions != {torch.float32}:
        raise InputError(
            f"expected a classifier on the CPU in float32, got one on {classifier.device} in "
            f"{' and '.join(map(str, precisions))}"
        )
    study = Study.of(classifier, _pictures(classifier, TRACED, seed=0), method)
    network = method.network(study.score)
    network(study.score.images, study.score.targets)  # determines the kind of the outputs
    try:
        with _quiet():
            program = _program(network, study.score.images)
    except Exception as error:  # of any kind: the network of a user may do anything
        raise InputError(
            f"torch cannot export the networks of {name_of(method)}: {reason(_cause(error))}"
        ) from error
    program.model.metadata_props.update(_metadata(method, classifier, program))
    with new_file(path) as unfinished:
        with _quiet():
            program.save(str(unfinished), external_data=False)
        difference = _difference(unfinished, method, classifier, network)
    return ExportedFile(path, *_names(program), difference)


def _one_pass(method: Method | str) -> OnePassMethod:
    """Return the method; raise `InputError` for one that takes many passes."""
    method = resolve("methods", method)
    if not isinstance(method, OnePassMethod):
        names = [n for n in available("methods") if issubclass(part("methods", n), OnePassMethod)]
        raise InputError(
            f"{name_of(method)} is not a trained network; expected one of {', '.join(names)}"
        )
    return method


@dataclass
class _Traced(Classifier):
    """A classifier whose passes can be traced."""

    @classmethod
    def of(cls, classifier: Classifier) -> "_Traced":
        """Return a copy that counts its own passes, and knows the kind of the outputs."""
        values = {f.name: getattr(classifier, f.name) for f in fields(classifier) if f.init}
        traced = cls(**values | {"passes": Passes()})
        traced.columns = classifier.columns
        return traced

    def network_input(self, images: Variants) -> Variants:
        """Return normalised images; their memory format would become operations of the graph."""
        return self.normalise(images).to(self.dtype)


class _Map(nn.Module):
    """A module from pixels, and classes if the map is for one, to maps of the same size."""

    def __init__(self, network: OnePassNetwork) -> None:
        super().__init__()
        self.network = replace(network, classifier=_Traced.of(network.classifier))
        self.model, self.module = network.classifier.model, network.module

    def forward(self, images: Images, targets: Targets | None = None) -> Any:
        """Return the maps, and the classes that they are for."""
        if targets is None:
            none = images.new_zeros(images.shape[0], dtype=torch.long)
            return self._resized(self.network(images, none), images)
        explained = list[Tensor]()

        def decoder(maps: list[Tensor], logits: Logits, targets: Targets) -> Tensor:
            explained.append(torch.where(targets == PREDICTED, logits.argmax(1), targets))
            return self.network.decoder(maps, logits, explained[0])

        cells = replace(self.network, decoder=decoder)(images, targets)
        return self._resized(cells, images), explained[0]

    @staticmethod
    def _resized(cells: Tensor, images: Images) -> Saliency:
        return masks.resize(cells[:, None, None], images.shape[-2:])[:, 0, 0]


def _program(network: OnePassNetwork, images: Images) -> Any:
    """Return the ONNX program of a network; the number of images is free."""
    from onnxscript import optimizer

    module: nn.Module = _Map(network).eval()
    examples = [images.contiguous()]  # not in channels_last, as those of a score
    if network.has_target:
        examples.append(torch.full((len(images),), PREDICTED))
    if network.reads_gradient:
        module = trace_with_gradient(module, examples)
    batch = torch.export.Dim("n")
    program = torch.onnx.export(
        module, tuple(examples), dynamo=True, optimize=False, verbose=False,
        input_names=["image", "target"][: len(examples)],
        output_names=["saliency", "class"][: len(examples)],
        dynamic_shapes=tuple({0: batch} for _ in examples),
    )  # fmt: skip
    assert program is not None  # a program, since no file is named
    # onnxruntime refuses convolutions whose kernels are padded at each pass
    optimizer.optimize(
        program.model, input_size_limit=LARGEST_CONSTANT, output_size_limit=LARGEST_CONSTANT
    )
    return program


def _cause(error: BaseException) -> BaseException:
    """Return the first of several errors; the exporter wraps what it cannot do."""
    return _cause(error.__cause__) if error.__cause__ else error


def _names(program: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    graph = program.model.graph
    return tuple(v.name for v in graph.inputs), tuple(v.name for v in graph.outputs)


def _metadata(method: Method, classifier: Classifier, program: Any) -> dict[str, str]:
    """Return what a reader of the file must know, as texts."""
    names = [name for group in _names(program) for name in group]
    return {
        "unsee": version("unsee"),
        "method": json.dumps(settings_of(method)),
        "classifier": json.dumps(classifier.settings()),
        "labels": json.dumps([str(label) for label in classifier.labels]),
        **{name: DESCRIPTIONS[name] for name in names},
    }


def _difference(
    path: Path, method: Method, classifier: Classifier, network: OnePassNetwork
) -> float:
    """Return how far the maps of onnxruntime are from those of PyTorch.

    Raises:
        InputError: They are other maps.
    """
    images = _pictures(classifier, CHECKED, seed=1)
    study = Study.of(classifier, images, method)
    study.accepts_constant = True
    expected = study.finish().saliency
    feed = {"image": images.numpy()}
    if network.has_target:
        feed["target"] = study.score.targets.numpy()
    actual = torch.from_numpy(run(open_session(path, "the check of the file"), feed, path)[0])
    scale = (expected.amax((1, 2)) - expected.amin((1, 2))).clamp(min=torch.finfo().eps)
    difference = ((actual - expected).abs().amax((1, 2)) / scale).max().item()
    tolerance = GRADIENT_TOLERANCE if network.reads_gradient else TOLERANCE
    if not difference <= tolerance:
        raise InputError(
            f"{path.name}: maps of onnxruntime differ from those of PyTorch by {difference:.2g} of "
            f"their range, more than {tolerance:g}; the file is not written"
        )
    return difference


def _pictures(classifier: Classifier, count: int, seed: int) -> Images:
    """Return smooth random images at the size of the classifier's input."""
    generator = torch.Generator().manual_seed(seed)
    cells = torch.rand(count, classifier.channels, CELLS, CELLS, generator=generator)
    return F.interpolate(cells, classifier.framing.size, mode="bicubic").clamp(0, 1)


@contextmanager
def _quiet() -> Iterator[None]:
    """Let the exporter print nothing; what it cannot do, it raises."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
