"""Options of the commands that explain photos, and the objects that they define."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import torch
from rich.progress import Progress
from tyro.conf import Positional, arg

from unsee.classifiers import loading, measures
from unsee.classifiers.classifier import Classifier
from unsee.classifiers.devices import check_device
from unsee.cli import checks
from unsee.cli.console import short
from unsee.cli.cost import Forecast
from unsee.errors import InputError, Note
from unsee.images import framing
from unsee.images.framing import Fit
from unsee.infillers.base import Infiller
from unsee.inputs import passes_of
from unsee.masking.slots import Slots, resolve_cells
from unsee.methods._cells import check_cells
from unsee.parts import Parts, resolve_parts
from unsee.registry import resolve, trust_of
from unsee.study import Study
from unsee.types import Images, Size

PRECISIONS = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}

MAX_SIDE = 4096
"""Longest side of a classifier's input, in pixels; one pass of a small network then takes 10 GB."""

Photo = Annotated[str, Positional, arg(metavar="PHOTO")]
"""A required photo."""
MethodName = Annotated[str, arg(metavar="METHOD")]
"""Specification of one method."""
MethodNames = Annotated[tuple[str, ...], arg(metavar="METHOD ...")]
"""Specifications of several methods."""
InfillerName = Annotated[
    str | None, arg(metavar="INFILLER", help_behavior_hint="(default: that of the method)")
]
"""Specification of one in-filler, or None."""
InfillerNames = Annotated[tuple[str, ...], arg(metavar="INFILLER ...")]
"""Specifications of several in-fillers."""
ClassifierName = Annotated[
    str, arg(name="classifiers", metavar="CLASSIFIER", aliases=("--classifier",))
]
"""Specification of one classifier."""
CellsName = Annotated[
    str | None, arg(metavar="CELLS", help_behavior_hint="(default: the grid of the method)")
]
"""Specification of cells, or None."""
Data = Annotated[str, arg(metavar="DATA")]
"""A required data set."""
Device = Annotated[
    str | None, arg(metavar="DEVICE", help_behavior_hint="(default: CUDA if available)")
]
"""A device of torch, or None."""
Folder = Annotated[Path, arg(metavar="FOLDER")]
"""A folder to be written."""
Trust = Annotated[bool, arg(help_behavior_hint="")]
"""Whether files that are programs may be loaded."""


@dataclass(frozen=True, kw_only=True)
class ExplainOptions:
    """Options of the commands that explain photos."""

    classifier: ClassifierName = loading.DEFAULT
    """Classifier, SOURCE[:ARGUMENT][,setting=value,...] or package.module:function; see
    `unsee list classifiers`."""
    measure: Annotated[
        str | None, arg(metavar="MEASURE", help_behavior_hint="(default: that of the method)")
    ] = None
    """Score that is explained: probability, log_odds, logit or margin."""
    cells: CellsName = None
    """What masks keep or remove as a whole: segments of the photo, slic:n=150, felzenszwalb,
    labels:PATH for a label map, or the grid of the method; see `unsee list cells`."""
    target: Annotated[str, arg(metavar="CLASS")] = "top1"
    """Class to explain: its name or number, or top1 for the predicted class."""
    contrast: Annotated[str | None, arg(metavar="CLASS", help_behavior_hint="")] = None
    """Class to explain the target against. The score is then the difference of their logits."""
    seed: int = 0
    """Seed of all random numbers; what else may change a map is in docs/usage.md."""
    budget: Annotated[
        str | None, arg(metavar="BUDGET", help_behavior_hint="(default: the method's settings)")
    ] = None
    """Passes through the network for each photo: fast (300), balanced (860), best (3200) or a
    number. Replaces the number of steps or samples of the method, or its stride."""
    size: Annotated[
        str | None, arg(metavar="SIZE", help_behavior_hint="(default: that of the classifier)")
    ] = None
    """Input size in pixels: 260 or HEIGHTxWIDTH."""
    fit: Annotated[Fit | None, arg(help_behavior_hint="(default: that of the classifier)")] = None
    """How a photo is brought to the size of the input: cut out its centre (crop), change its
    aspect ratio (resize), or both (resize_crop)."""
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Precision of the network. auto is float32, except for methods that average many scores, which
    use bfloat16 where the device has instructions for it and the model is no regression."""
    deterministic: bool = False
    """Compute maps in which threads and batch size change no bit: on one thread, in float32 unless
    --precision says otherwise, slower. Without it they differ by rounding, which an optimiser can
    amplify."""
    device: Device = None
    """Device of the network: cpu, cuda, cuda:1, mps."""
    trust: Trust = False
    """Load classifiers and in-fillers that are programs (TorchScript, torch.export). A program can
    run any code on this machine when it is loaded: trust only files whose author you trust. Weights
    need no trust."""
    overwrite: bool = False
    """Replace existing results."""

    def check(self) -> None:
        """Check what can be checked before anything is loaded."""
        resolve("sources", self.classifier)
        check_device(self.device)
        checks.seed(self.seed)
        pixels_of(self.size)
        if self.budget is not None:
            passes_of(self.budget)
        if self.measure is not None:
            measures.named(self.measure)
        if self.contrast is not None and self.measure not in {None, "margin"}:
            raise InputError(f"--contrast uses the measure margin; omit --measure {self.measure}")


def classifier_of(options: ExplainOptions) -> Classifier:
    """Load the classifier and check the names of classes, before any photo is read."""
    classifier = loading.load(
        options.classifier,
        device=options.device,
        precision=PRECISIONS.get(options.precision, "auto"),
        size=pixels_of(options.size),
        fit=options.fit,
        trust=options.trust,
    )
    names = [name for name in (options.target, options.contrast) if name not in {None, "top1"}]
    indices = [classifier.index(str(name)) for name in names]
    if indices and not classifier.labels:  # the number of classes shows in a pass only
        _check_classes(classifier, indices)
    return classifier


def _check_classes(classifier: Classifier, indices: list[int]) -> None:
    """Check that a classifier has these classes."""
    image = torch.zeros(1, classifier.channels, *classifier.framing.size, device=classifier.device)
    classes = classifier.predict(image).shape[1]
    for index in indices:
        if not 0 <= index < classes:
            raise InputError(f"class {index} is not in 0..{classes - 1}")


def with_contrast(parts: Parts, options: ExplainOptions) -> Parts:
    """Replace the measure by the margin over the class of --contrast, if there is one."""
    if options.contrast is None:
        return parts
    return parts._replace(measure=measures.Against(options.contrast))


def pixels_of(size: str | None) -> Size | None:
    """Return height and width of `224` or `224x320`."""
    if size is None:
        return None
    match = re.fullmatch(r"([0-9]{1,9})(?:x([0-9]{1,9}))?", size)
    if not match:
        raise InputError(f"--size: expected 224 or HEIGHTxWIDTH, got {size!r}")
    height, width = int(match[1]), int(match[2] or match[1])
    if not all(1 <= side <= MAX_SIDE for side in (height, width)):
        raise InputError(
            f"--size: expected sides of 1 to {MAX_SIDE} pixels, got {height} x {width}"
        )
    return height, width


def infiller_of(spec: str | None, *, trust: bool) -> Infiller | str | None:
    """Return an in-filler with the setting of --trust, if it has it, else its specification."""
    settings = trust_of("infillers", spec, trust=trust)
    infiller: Infiller | str | None = resolve("infillers", spec, **settings) if settings else spec
    return infiller


def run_with_bar(study: Study, name: str, bars: Progress, forecast: Forecast | None = None) -> None:
    """Run a study to its end and show its progress, its loss and the time left.

    Raises `InputError` before the first pass of the method if a manifest cannot hold the settings.
    """
    study.check_provenance()
    study.words = Note.in_shell
    bar = bars.add_task(short(name), total=None, loss="")
    try:
        for step in study.steps():
            loss = "" if step.losses is None else f"loss {step.losses.mean().item():.3f}"
            bars.update(bar, completed=step.done, total=step.total, loss=loss)
            if forecast is not None:
                forecast.step(step.done, step.total)
    finally:
        bars.remove_task(bar)


def parts_of(options: ExplainOptions, method: str, infiller: str | None) -> Parts:
    """Return a method with its in-filler and its measure; their settings are checked."""
    trusted = infiller_of(infiller, trust=options.trust)
    parts = resolve_parts(method, trusted, options.measure)
    parts.method.check()
    check_cells(parts.method, options.cells)
    return parts


def slots_of(
    options: ExplainOptions, classifier: Classifier, photo: framing.Photo, image: Images
) -> Slots | None:
    """Segment a photo for --cells, as the classifier sees it; None for the grid of the method."""
    image, size = image.to(classifier.device), (photo.shape[-2], photo.shape[-1])
    return resolve_cells(options.cells, image, classifier.framing, [size])
