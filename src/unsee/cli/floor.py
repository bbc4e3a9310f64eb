"""`unsee floor`: what the classifier's passes cost at least, and how far methods are above it."""

from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import torch
import tyro
from rich.console import Console
from rich.table import Table

from unsee import floor, photos
from unsee.classifier import Classifier
from unsee.cli import options, question
from unsee.cli.question import Question
from unsee.errors import InputError
from unsee.explain import Study
from unsee.registry import create


@dataclass(frozen=True)
class FloorOptions(Question):
    """Time the bare classifier over chunk sizes, memory formats and precisions, then methods.

    A method's overhead is its time over that of its passes at the best that the classifier can do
    in the same precision in the same round; the median of all rounds counts.
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
    """How often everything is timed."""
    seconds: float = 1.0
    """The network alone is timed over at least this many."""


def run(arguments: list[str]) -> int:
    """Print two tables."""
    chosen = options.parse_plain(FloorOptions, arguments, "unsee floor")
    for precision in chosen.also:
        if precision not in options.PRECISIONS:
            raise InputError(f"--also: expected {', '.join(options.PRECISIONS)}, got {precision!r}")
    methods = {name: create("methods", name) for name in chosen.methods}
    filler = create("infillers", chosen.infiller)
    classifier = question.classifier_of(chosen)
    photo = _photo(chosen.photo, classifier)
    together = torch.cat([photo.roll(16 * number, 3) for number in range(chosen.batch)])
    size = (photo.shape[-2], photo.shape[-1])
    rough = classifier.averaging or classifier.precision
    also = [options.PRECISIONS[name] for name in chosen.also]
    precisions = tuple(dict.fromkeys((classifier.precision, rough, *also)))
    timings: list[list[floor.Timing]] = []
    costs: dict[str, list[dict[str, Any]]] = {name: [] for name in methods}
    with question.progress() as bars:
        bar = bars.add_task("rounds", total=chosen.rounds, loss="")
        for number in range(chosen.rounds):
            found = floor.timings(
                classifier, size, chosen.chunks, precisions, rounds=1, seconds=chosen.seconds
            )
            timings.append(list(found))
            for name, method in methods.items():
                budget = chosen.budget or "fast"
                study = Study.of(classifier, together, method, infiller=filler, budget=budget)
                question.walk(study, name, bars)
                costs[name].append(study.explanation.provenance["cost"])
            bars.update(bar, completed=number + 1)
    console = Console()
    console.print(_timings([timing for found in timings for timing in found]))
    asked = {
        name: str(rough if method.averages else classifier.precision).removeprefix("torch.")
        for name, method in methods.items()
    }
    console.print(_overheads(costs, asked, timings))
    return 0


def _photo(path: Path | None, classifier: Classifier) -> Any:
    if path is not None:
        return classifier.framing.show(photos.read(path, classifier.channels).pixels)
    from skimage.data import chelsea

    return classifier.framing.show(photos.from_array(chelsea(), classifier.channels))


def _timings(found: list[floor.Timing]) -> Table:
    table = Table(box=None, pad_edge=False, title="milliseconds an image", title_justify="left")
    for name in ("precision", "memory format"):
        table.add_column(name)
    for name in ("chunk", "forward", "forward + backward"):
        table.add_column(name, justify="right")
    for key in dict.fromkeys((t.precision, t.layout, t.chunk) for t in found):
        same = [t for t in found if (t.precision, t.layout, t.chunk) == key]
        forward, both = min(t.forward for t in same), min(t.both for t in same)
        table.add_row(key[0], key[1], str(key[2]), f"{1e3 * forward:.2f}", f"{1e3 * both:.2f}")
    return table


def _overheads(
    costs: dict[str, list[dict[str, Any]]], asked: dict[str, str], rounds: list[list[floor.Timing]]
) -> Table:
    """Each method over the floor of the precision that it is asked in, round by round."""
    table = Table(box=None, pad_edge=False, title="over the floor", title_justify="left")
    for name in ("method", "precision"):
        table.add_column(name)
    for name in ("forwards", "with backward", "seconds", "overhead", "lowest", "highest"):
        table.add_column(name, justify="right")
    for name, found in costs.items():
        ratios = [
            floor.of(timings, asked[name]).overhead(cost)
            for timings, cost in zip(rounds, found, strict=True)
        ]
        seconds = median(cost["seconds"] for cost in found)
        table.add_row(
            name,
            asked[name],
            str(found[0]["forwards"]),
            str(found[0]["backwards"]),
            f"{seconds:.2f}",
            *(f"{x:.3f}" for x in (median(ratios), min(ratios), max(ratios))),
        )
    return table
