"""`unsee bench`: time the passes of a classifier's network, and the overhead of methods."""

from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import torch
import tyro
from rich.progress import Progress

from unsee.classifiers import throughput
from unsee.classifiers.classifier import Classifier
from unsee.classifiers.throughput import FastestConfigurations, Timing
from unsee.cli import checks, cost, explain_options
from unsee.cli.console import print_errors, say, show_table
from unsee.cli.explain_options import PRECISIONS, ExplainOptions, MethodNames
from unsee.cli.parsing import parse
from unsee.errors import InputError, as_message
from unsee.images import reading
from unsee.infillers.base import Infiller
from unsee.inputs import passes_of
from unsee.methods.base import Method
from unsee.output.bars import terminal_bars
from unsee.output.table import Column, Table, Value
from unsee.process.libraries import import_libraries
from unsee.registry import resolve, trust_of
from unsee.registry.grammar import split_words
from unsee.storage.files import check_file
from unsee.study import Study
from unsee.types import Images

NETWORK_ROUNDS = 3
"""Rounds in which each configuration of the network is timed."""
DEFAULT_BUDGET = "fast"
"""Budget of the methods."""
SHIFT = 16
"""Pixels by which each copy of the photo is shifted."""


@dataclass(frozen=True, kw_only=True)
class BenchOptions(ExplainOptions):
    """Time the network over chunk sizes, memory formats and precisions, then methods.

    The overhead of a method is its time divided by that of its passes in the network's fastest
    configuration of the same precision. Both are measured in turns. The median of the rounds is
    reported.
    """

    methods: MethodNames = ("tide", "fido", "igos_pp", "rise", "sliding_patch")
    """Methods to time, see `unsee list methods`."""
    infiller: Annotated[str, tyro.conf.arg(metavar="INFILLER")] = "blur"
    """In-filler of all methods."""
    photo: Path | None = None
    """Photo to explain; by default one of scikit-image."""
    chunks: tuple[int, ...] = (1, 4, 8, 16, 32)
    """Numbers of images in the network at a time."""
    extra_precisions: tuple[str, ...] = ("bfloat16",)
    """Precisions to time in addition to those of the classifier."""
    batch: int = 4
    """Photos explained together: shifted copies of the photo."""
    rounds: int = 3
    """Rounds in which each method is timed."""
    seconds: float = 1.0
    """Minimum duration of a measurement of the network, in seconds. Methods run for twice as long
    between two measurements."""

    def check(self) -> None:
        """Check what can be checked before anything is loaded."""
        super().check()
        for name in self.extra_precisions:
            if name not in PRECISIONS:
                expected = ", ".join(PRECISIONS)
                raise InputError(f"--extra-precisions: expected {expected}, got {name!r}")
        if not self.chunks:
            raise InputError("expected at least one number after --chunks")
        checks.at_least(1, chunks=min(self.chunks), batch=self.batch, rounds=self.rounds)
        checks.positive(seconds=self.seconds)
        if self.photo is not None:
            check_file(self.photo, "photo")


def run(arguments: list[str]) -> int:
    """Print the estimated duration, the timings of the network and the overhead of the methods."""
    options = parse(BenchOptions, arguments, "unsee bench")
    options.check()
    methods = {name: resolve("methods", name) for name in split_words(options.methods)}
    for method in methods.values():
        method.check()
    trust = trust_of("infillers", options.infiller, trust=options.trust)
    infiller = resolve("infillers", options.infiller, **trust)
    classifier = explain_options.classifier_of(options)
    photo = _photo(options.photo, classifier)
    images = torch.cat([photo.roll(SHIFT * number, 3) for number in range(options.batch)])
    precisions = _precisions(options, classifier)
    rows: list[tuple[Value, ...]] = []
    failed: list[InputError] = []
    estimate = _estimate(options, classifier, images, precisions)
    say(_duration(estimate))  # with --json, on standard error, before the measurement
    say("", estimated_seconds=estimate)
    with terminal_bars() as bars:
        timings = _time_network(options, classifier, images, precisions, bars)
        table = _timing_table(timings)
        show_table(table, network=table.values())
        for name, method in methods.items():
            precision = _precision(method, classifier)
            fastest, pair = throughput.fastest(timings, _plain(precision)), (method, infiller)
            try:
                rounds = _time_method(options, classifier, images, pair, fastest, bars)
                rows.append(_row((name, _plain(precision)), rounds))
            except Exception as error:
                failed.append(as_message(error).prefixed(name))
    table = _overhead_table(rows)
    show_table(table, methods=table.values())
    return print_errors(failed)


def _precision(method: Method, classifier: Classifier) -> torch.dtype:
    """Return the precision in which a method runs the classifier."""
    sampled = method.traits.allows_half_precision
    return classifier.averaging_precision if sampled else classifier.precision


def _precisions(options: BenchOptions, classifier: Classifier) -> tuple[torch.dtype, ...]:
    """Return the precisions to time: those of the classifier, then the extra ones."""
    default = (classifier.precision, classifier.averaging_precision)
    extra = (PRECISIONS[name] for name in options.extra_precisions)
    return tuple(dict.fromkeys((*default, *extra)))


def _plain(precision: torch.dtype) -> str:
    return str(precision).removeprefix("torch.")


def _estimate(
    options: BenchOptions,
    classifier: Classifier,
    images: Images,
    precisions: tuple[torch.dtype, ...],
) -> float:
    """Return the expected duration in seconds, without in-filling, from the time of one pass."""
    classifier.require_network("unsee bench")
    size = (images.shape[-2], images.shape[-1])
    one_pass = throughput.seconds_per_image(
        classifier, size, "channels_last", 1, gradient=True, seconds=options.seconds / 10
    )
    measurements = len(precisions) * len(throughput.MEMORY_FORMATS) * NETWORK_ROUNDS * 2
    network = measurements * sum(
        max(options.seconds, chunk * one_pass) + chunk * one_pass for chunk in options.chunks
    )
    method = options.batch * passes_of(options.budget or DEFAULT_BUDGET) * one_pass
    interleaved = 2 * method + 4 * options.seconds
    return network + len(options.methods) * options.rounds * interleaved


def _duration(seconds: float) -> str:
    """Return a sentence that announces the duration."""
    return f"Estimated duration: {cost.duration(seconds)}, without the time of the in-filler.\n"


def _time_network(
    options: BenchOptions,
    classifier: Classifier,
    images: Images,
    precisions: tuple[torch.dtype, ...],
    bars: Progress,
) -> list[Timing]:
    """Time the network alone in every configuration."""
    size = (images.shape[-2], images.shape[-1])
    total = len(precisions) * len(throughput.MEMORY_FORMATS) * len(options.chunks)
    bar = bars.add_task("network", total=total, loss="")
    timings = []
    for timing in throughput.timings(
        classifier, size, options.chunks, precisions, NETWORK_ROUNDS, options.seconds
    ):
        timings.append(timing)
        bars.advance(bar)
    bars.remove_task(bar)
    return timings


@dataclass(frozen=True)
class _Round:
    """Cost of one run of a method."""

    cost: dict[str, Any]
    """Passes, as in the provenance."""
    seconds: float
    overhead: float
    """Seconds divided by those of the passes alone."""


def _time_method(
    options: BenchOptions,
    classifier: Classifier,
    images: Images,
    parts: tuple[Method, Infiller],
    fastest: FastestConfigurations,
    bars: Progress,
) -> list[_Round]:
    """Run a method several times, in turns with passes of the network alone."""
    method, infiller = parts
    size = (images.shape[-2], images.shape[-1])
    at_precision = replace(classifier, precision=_precision(method, classifier))
    import_libraries(method, infiller)
    bar = bars.add_task(type(method).__name__, total=options.rounds, loss="")
    rounds = []
    for _ in range(options.rounds):
        budget = options.budget or DEFAULT_BUDGET
        study = Study.of(
            classifier, images, method, infiller=infiller, cells=options.cells, budget=budget,
            deterministic=options.deterministic,
        )  # fmt: skip
        seconds, pass_cost = throughput.interleave(
            study.steps(),
            lambda: fastest.measure_again(at_precision, size, options.seconds),
            2 * options.seconds,
        )
        cost = study.explanation.provenance["cost"]
        rounds.append(_Round(cost, seconds, pass_cost.overhead(cost, seconds)))
        bars.advance(bar)
    bars.remove_task(bar)
    return rounds


def _row(names: tuple[str, str], rounds: list[_Round]) -> tuple[Value, ...]:
    """Return a method's row: passes, median seconds, and median, lowest and highest overhead."""
    overheads = [round_.overhead for round_ in rounds]
    passes = (rounds[0].cost[name] for name in ("forwards", "backwards"))
    seconds = median(round_.seconds for round_ in rounds)
    return (*names, *passes, seconds, median(overheads), min(overheads), max(overheads))


def _photo(path: Path | None, classifier: Classifier) -> Images:
    """Return the photo as the classifier receives it."""
    if path is not None:
        return classifier.framing.show(reading.read(path, classifier.channels).pixels)
    from skimage.data import chelsea

    return classifier.framing.show(reading.from_array(chelsea(), classifier.channels))


def _timing_table(timings: list[Timing]) -> Table:
    """Return the table of the network's timings."""
    columns = [Column(name, align="left") for name in ("precision", "memory format")]
    columns += [Column("chunk")]
    columns += [
        Column("forward_ms", "forward", ".2f"),
        Column("forward_backward_ms", "forward + backward", ".2f"),
    ]
    rows = [
        (t.precision, t.memory_format, t.chunk, 1e3 * t.forward, 1e3 * t.forward_backward)
        for t in timings
    ]
    return Table(columns, rows, title="milliseconds per image")


def _overhead_table(rows: list[tuple[Value, ...]]) -> Table:
    """Return the table of the methods' overhead over the network alone."""
    columns = [Column(name, align="left") for name in ("method", "precision")]
    columns += [Column("forwards"), Column("with backward"), Column("seconds", spec=".2f")]
    columns += [Column(name, spec=".3f") for name in ("overhead", "lowest", "highest")]
    return Table(columns, rows, title="overhead of methods")
