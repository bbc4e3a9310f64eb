"""Options of the commands that explain photos, and the objects that they define."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from tyro.conf import Positional, arg

from unsee.classifiers import loading, measures
from unsee.classifiers.classifier import Classifier
from unsee.errors import InputError
from unsee.images.framing import Fit
from unsee.registry import resolve
from unsee.study import Parts, Study, passes_of
from unsee.types import Size

PRECISIONS = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}

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
Data = Annotated[str, arg(metavar="DATA")]
"""A required data set."""
Device = Annotated[
    str | None, arg(metavar="DEVICE", help_behavior_hint="(default: CUDA if available)")
]
"""A device of torch, or None."""
Folder = Annotated[Path, arg(metavar="FOLDER")]
"""A folder to be written."""


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
    target: Annotated[str, arg(metavar="CLASS")] = "top1"
    """Class to explain: its name or number, or top1 for the predicted class."""
    contrast: Annotated[str | None, arg(metavar="CLASS", help_behavior_hint="")] = None
    """Class to explain the target against. The score is then the difference of their logits."""
    seed: int = 0
    """Seed of all random numbers. The same photo, settings and seed give the same map."""
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
    """How a photo is brought to that size: cut out its centre (crop) or change its aspect ratio
    (resize)."""
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Precision of the network. auto is float32, except for methods that average many scores, which
    use bfloat16 where the device has instructions for it."""
    deterministic: bool = False
    """Compute maps in which threads and batch size change no bit: on one thread, in float32 unless
    --precision says otherwise, slower. Without it they differ by rounding, which an optimiser can
    amplify."""
    device: Device = None
    """Device of the network: cpu, cuda, cuda:1, mps."""
    overwrite: bool = False
    """Replace existing results."""

    def check(self) -> None:
        """Check what can be checked before anything is loaded."""
        resolve("sources", self.classifier)
        check_device(self.device)
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
    )
    for name in (options.target, options.contrast):
        if name not in {None, "top1"}:
            classifier.index(str(name))
    return classifier


def with_contrast(parts: Parts, options: ExplainOptions, classifier: Classifier) -> Parts:
    """Replace the measure by the margin over the class of --contrast, if there is one."""
    if options.contrast is None:
        return parts
    return parts._replace(measure=measures.Against(classifier.index(options.contrast)))


def check_device(device: str | None) -> None:
    """Check that a device has a name that torch knows; it need not be available."""
    try:
        torch.device(device or "cpu")
    except RuntimeError as error:
        raise InputError(f"--device: expected cpu, cuda, cuda:1 or mps, got {device!r}") from error


def pixels_of(size: str | None) -> Size | None:
    """Return height and width of `224` or `224x320`."""
    if size is None:
        return None
    match = re.fullmatch(r"(\d+)(?:x(\d+))?", size)
    if not match or int(match[1]) < 1 or int(match[2] or 1) < 1:
        raise InputError(f"--size: expected 224 or HEIGHTxWIDTH, got {size!r}")
    return int(match[1]), int(match[2] or match[1])


def run_with_bar(study: Study, name: str, bars: Progress) -> None:
    """Run a study to its end and show its progress, its loss and the time left."""
    bar = bars.add_task(name, total=None, loss="")
    try:
        for step in study.steps():
            loss = "" if step.losses is None else f"loss {step.losses.mean().item():.3f}"
            bars.update(bar, completed=step.done, total=step.total, loss=loss)
    finally:
        bars.remove_task(bar)


def progress() -> Progress:
    """Return progress bars on the error stream that disappear at the end."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[loss]}"),
        TimeRemainingColumn(),
        console=Console(file=sys.stderr),
        transient=True,
    )
