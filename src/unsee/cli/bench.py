"""`unsee bench`: what the classifier's passes cost at least, and how far methods are above it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import torch
import tyro
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from unsee.classifiers import throughput
from unsee.classifiers.classifier import Classifier
from unsee.cli import explain_options
from unsee.cli.explain_options import PRECISIONS, ExplainOptions, MethodNames
from unsee.cli.parsing import parse
from unsee.errors import InputError
from unsee.images import reading
from unsee.registry import resolve, split_words
from unsee.study import Study
from unsee.types import Images


@dataclass(frozen=True, kw_only=True)
class FloorOptions(ExplainOptions):
    """Time the bare classifier over chunk sizes, memory formats and precisions, then methods.

    A method's overhead is its time over that of its passes at the best that the classifier can do
    in the same precision, timed in turns with the method's steps; the median of rounds counts.
    """

    methods: MethodNames = ("tide", "fido", "igos_pp", "rise", "sliding_patch")
    """See `unsee list methods`."""
    infiller: Annotated[str, tyro.conf.arg(metavar="INFILLER")] = "blur"
    """In-filler of all of them."""
    photo: Path | None = None
    """By default a photo of scikit-image."""
    chunks: tuple[int, ...] = (1, 4, 8, 16, 32)
    """Images in the network at a time."""
    also: tuple[str, ...] = ("bfloat16",)
    """Other precisions to time."""
    batch: int = 4
    """Photos explained together: the photo and others like it."""
    rounds: int = 3
    """How often each method is timed."""
    seconds: float = 1.0
    """The network alone is timed over at least this many; steps, over twice as many at a turn."""


def run(arguments: list[str]) -> int:
    """Print two tables."""
    chosen = parse(FloorOptions, arguments, "unsee bench")
    for also_ in chosen.also:
        if also_ not in PRECISIONS:
            raise InputError(f"--also: expected {', '.join(PRECISIONS)}, got {also_!r}")
    methods = {name: resolve("methods", name) for name in split_words(chosen.methods)}
    filler = resolve("infillers", chosen.infiller)
    chosen.check()
    classifier = explain_options.classifier_of(chosen)
    photo = _photo(chosen.photo, classifier)
    together = torch.cat([photo.roll(16 * number, 3) for number in range(chosen.batch)])
    rough = classifier.averaging or classifier.precision
    also = [PRECISIONS[name] for name in chosen.also]
    precisions = tuple(dict.fromkeys((classifier.precision, rough, *also)))
    console, table = Console(), _overheads()
    with explain_options.progress() as bars:
        found = _bare(chosen, classifier, together, precisions, bars)
        console.print(_timings(found))
        for name, method in methods.items():
            precision = rough if method.averages else classifier.precision
            word = str(precision).removeprefix("torch.")
            asked, there = replace(classifier, precision=precision), throughput.best(found, word)
            now = partial(there.now, asked, photo.shape[-2:], chosen.seconds)
            budget = chosen.budget or "fast"
            bar = bars.add_task(name, total=chosen.rounds, loss="")
            rounds = []
            for _ in range(chosen.rounds):
                study = Study.of(classifier, together, method, infiller=filler, budget=budget)
                rounds.append(_round(study, now, chosen.seconds))
                bars.advance(bar)
            bars.remove_task(bar)
            _add(table, (name, word), rounds)
    console.print(table)
    return 0


def _bare(
    chosen: FloorOptions,
    classifier: Classifier,
    images: Images,
    precisions: tuple[torch.dtype, ...],
    bars: Progress,
) -> list[throughput.Timing]:
    """The bare network at every setting."""
    size = (images.shape[-2], images.shape[-1])
    bar = bars.add_task("bare network", total=None, loss="")
    found = []
    for timing in throughput.timings(
        classifier, size, chosen.chunks, precisions, 3, chosen.seconds
    ):
        found.append(timing)
        bars.advance(bar)
    bars.remove_task(bar)
    return found


@dataclass(frozen=True)
class _Round:
    """What a method cost, and how many times the floor amid it."""

    cost: dict[str, Any]
    seconds: float
    overhead: float


def _round(study: Study, bare: Callable[[], throughput.Floor], seconds: float) -> _Round:
    spent, least = throughput.amid(study.steps(), bare, 2 * seconds)
    cost = study.explanation.provenance["cost"]
    return _Round(cost, spent, least.overhead(cost, spent))


def _add(table: Table, names: tuple[str, str], rounds: list[_Round]) -> None:
    ratios = [one.overhead for one in rounds]
    table.add_row(
        *names,
        *(str(rounds[0].cost[name]) for name in ("forwards", "backwards")),
        f"{median(one.seconds for one in rounds):.2f}",
        *(f"{x:.3f}" for x in (median(ratios), min(ratios), max(ratios))),
    )


def _photo(path: Path | None, classifier: Classifier) -> Any:
    if path is not None:
        return classifier.framing.show(reading.read(path, classifier.channels).pixels)
    from skimage.data import chelsea

    return classifier.framing.show(reading.from_array(chelsea(), classifier.channels))


def _timings(found: list[throughput.Timing]) -> Table:
    table = Table(box=None, pad_edge=False, title="milliseconds an image", title_justify="left")
    for name in ("precision", "memory format"):
        table.add_column(name)
    for name in ("chunk", "forward", "forward + backward"):
        table.add_column(name, justify="right")
    for t in found:
        times = f"{1e3 * t.forward:.2f}", f"{1e3 * t.both:.2f}"
        table.add_row(t.precision, t.layout, str(t.chunk), *times)
    return table


def _overheads() -> Table:
    table = Table(box=None, pad_edge=False, title="over the floor", title_justify="left")
    for name in ("method", "precision"):
        table.add_column(name)
    for name in ("forwards", "with backward", "seconds", "overhead", "lowest", "highest"):
        table.add_column(name, justify="right")
    return table
