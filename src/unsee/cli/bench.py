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

from unsee.classifiers import throughput
from unsee.classifiers.classifier import Classifier
from unsee.cli import explain_options, flags
from unsee.cli.explain_options import Question
from unsee.errors import InputError
from unsee.images import reading
from unsee.registry import create
from unsee.study import Study
from unsee.table import Column, Table, Value
from unsee.types import Images


@dataclass(frozen=True)
class FloorOptions(Question):
    """Time the bare classifier over chunk sizes, memory formats and precisions, then methods.

    A method's overhead is its time over that of its passes at the best that the classifier can do
    in the same precision, timed in turns with the method's steps; the median of rounds counts.
    """

    methods: Annotated[tuple[str, ...], tyro.conf.arg(metavar="METHOD ...")] = (
        "tide", "fido", "igos_pp", "rise", "sliding_patch",
    )  # fmt: skip
    """See `unsee list methods`."""
    infiller: str = "blur"
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
    chosen = flags.parse_plain(FloorOptions, arguments, "unsee bench")
    for precision in chosen.also:
        if precision not in flags.PRECISIONS:
            raise InputError(f"--also: expected {', '.join(flags.PRECISIONS)}, got {precision!r}")
    methods = {name: create("methods", name) for name in chosen.methods}
    filler = create("infillers", chosen.infiller)
    classifier = explain_options.classifier_of(chosen)
    photo = _photo(chosen.photo, classifier)
    together = torch.cat([photo.roll(16 * number, 3) for number in range(chosen.batch)])
    rough = classifier.averaging or classifier.precision
    also = [flags.PRECISIONS[name] for name in chosen.also]
    precisions = tuple(dict.fromkeys((classifier.precision, rough, *also)))
    console = Console()
    rows: list[tuple[Value, ...]] = []
    with explain_options.progress() as bars:
        found = _bare(chosen, classifier, together, precisions, bars)
        console.print(_timings(found).terminal())
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
            rows.append(_row((name, word), rounds))
    console.print(_overheads(rows).terminal())
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


def _row(names: tuple[str, str], rounds: list[_Round]) -> tuple[Value, ...]:
    ratios = [one.overhead for one in rounds]
    passes = (rounds[0].cost[name] for name in ("forwards", "backwards"))
    seconds = median(one.seconds for one in rounds)
    return (*names, *passes, seconds, median(ratios), min(ratios), max(ratios))


def _photo(path: Path | None, classifier: Classifier) -> Any:
    if path is not None:
        return classifier.framing.show(reading.read(path, classifier.channels).pixels)
    from skimage.data import chelsea

    return classifier.framing.show(reading.from_array(chelsea(), classifier.channels))


def _timings(found: list[throughput.Timing]) -> Table:
    columns = [Column(name, align="left") for name in ("precision", "memory format")]
    columns += [Column("chunk")]
    columns += [Column(name, spec=".2f") for name in ("forward", "forward + backward")]
    rows = [(t.precision, t.layout, t.chunk, 1e3 * t.forward, 1e3 * t.both) for t in found]
    return Table(columns, rows, title="milliseconds an image")


def _overheads(rows: list[tuple[Value, ...]]) -> Table:
    columns = [Column(name, align="left") for name in ("method", "precision")]
    columns += [Column("forwards"), Column("with backward"), Column("seconds", spec=".2f")]
    columns += [Column(name, spec=".3f") for name in ("overhead", "lowest", "highest")]
    return Table(columns, rows, title="over the floor")
