"""What every command that explains asks about: the classifier, the class, the score."""

import sys
from dataclasses import dataclass
from typing import Any, Literal

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from unsee.classifiers import loading, measures
from unsee.classifiers.classifier import Classifier
from unsee.classifiers.measures import Measure
from unsee.cli import flags
from unsee.errors import InputError
from unsee.images.framing import Fit
from unsee.study import Study


@dataclass(frozen=True)
class Question:
    """Options of the commands that explain."""

    classifier: str = loading.DEFAULT
    """SOURCE[:ARGUMENT], see `unsee list classifiers`; or package.module:function of yours."""
    measure: str | None = None
    """The score: probability, log_odds, logit or margin; by default the method's own."""
    target: str = "top1"
    """Class to explain: a name, an index, or top1 (what the classifier says)."""
    contrast: str | None = None
    """Class to explain the target against: why this and not that. Sets the measure."""
    seed: int = 0
    """Same photo, settings and seed: same map."""
    budget: str | None = None
    """Passes a photo: fast (300), balanced (860), best (3200) or a number; replaces the steps,
    samples or stride of the method."""
    size: str | None = None
    """Input size, 260 or HEIGHTxWIDTH; by default the classifier's."""
    fit: Fit | None = None
    """Cut out the centre of a photo or squeeze it; by default as the classifier was trained."""
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Of the network; auto is float32, but bfloat16 for methods that average over many scores where
    the device has instructions for it."""
    device: str | None = None
    """cpu, cuda, cuda:1, mps; by default CUDA where there is one."""
    overwrite: bool = False
    """Replace results that exist."""


def classifier_of(chosen: Any) -> Classifier:
    """Load the classifier; refuse names that it does not know before any photo is read."""
    classifier = loading.load(
        chosen.classifier,
        device=chosen.device,
        precision=flags.PRECISIONS.get(chosen.precision, "auto"),
        size=flags.size(chosen.size),
        fit=chosen.fit,
        **flags.settings(chosen.chosen_source),
    )
    for name in (chosen.target, chosen.contrast):
        if name not in {None, "top1"}:
            classifier.index(name)
    return classifier


def measure_of(chosen: Any, classifier: Classifier) -> Measure | str | None:
    """The measure that was asked for, if any; a contrast counts for more than a recipe."""
    if chosen.contrast is None:
        return chosen.measure
    if chosen.asked_measure not in {None, "margin"}:
        raise InputError(f"--contrast is a margin; leave --measure {chosen.asked_measure} out")
    return measures.Against(classifier.index(chosen.contrast))


def walk(study: Study, name: str, bars: Progress) -> None:
    """Take a study to its end under a bar with the loss and the time left."""
    bar = bars.add_task(name, total=None, loss="")
    try:
        for step in study.steps():
            loss = "" if step.losses is None else f"loss {step.losses.mean().item():.3f}"
            bars.update(bar, completed=step.done, total=step.total, loss=loss)
    finally:
        bars.remove_task(bar)


def progress() -> Progress:
    """Bars on the error stream that leave nothing behind."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[loss]}"),
        TimeRemainingColumn(),
        console=Console(file=sys.stderr),
        transient=True,
    )
