"""`unsee evaluate-infill`: compare in-fillers on labelled photos."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import torch
from tyro.conf import arg

from unsee.classifiers import loading
from unsee.classifiers.devices import check_device
from unsee.cli import checks, keeping
from unsee.cli.console import print_errors, print_note, show_table
from unsee.cli.cost import Forecast
from unsee.cli.explain_options import ClassifierName, Data, Device, Folder, InfillerNames, Trust
from unsee.cli.parsing import parse
from unsee.datasets._loading import load_data
from unsee.datasets.base import Sample, Samples
from unsee.errors import InputError, as_message, unknown
from unsee.evaluation import infilling, photos
from unsee.evaluation.infilling import TASKS, Problem, QualityModels, Task
from unsee.evaluation.plan import Plan, Subset
from unsee.evaluation.recognition import Recognition
from unsee.images.drawing import save_figure
from unsee.infillers.base import Infiller
from unsee.networks.perceptual import Perceptual
from unsee.output.bars import terminal_bars
from unsee.output.table import Column, Table
from unsee.registry import resolve, settings_of, trust_of
from unsee.registry.grammar import split_words
from unsee.reports.infilling import markdown, means, numbers
from unsee.reports.infilling_pictures import PHOTO, draw
from unsee.storage.files import check_file, write_text
from unsee.storage.folders import new_folder, write_manifest
from unsee.types import Images

RECOGNITION_CHUNK = 32
"""Photos in a pass of the classifier with `--correct`."""
Row = dict[str, str | float]
"""One line of rows.csv."""


@dataclass(frozen=True, kw_only=True)
class EvaluateInfill:
    """Remove random cells, objects or backgrounds, fill them in, and measure the result.

    Writes rows.csv (a row for each photo, task and in-filler), table.md, a picture for each task
    and manifest.json.
    """

    data: Data
    """Labelled photos: a path, or DATASET:PATH, see `unsee list datasets`."""
    infillers: InfillerNames = ("grey", "mean", "blur", "local", "telea", "patchmatch")
    """In-fillers, NAME[:setting=value,...], see `unsee list infillers`. NAME:PATH is short for
    NAME:weights=PATH."""
    tasks: Annotated[tuple[Task, ...], arg(metavar="{cells,object,background,everything} ...")] = (
        "cells", "object", "background",
    )  # fmt: skip
    """Kinds of removed regions."""
    classifier: ClassifierName = loading.DEFAULT
    """Classifier whose probability of the labelled class is measured; see
    `unsee list classifiers`."""
    recognition_classifier: Annotated[str, arg(metavar="CLASSIFIER")] = "efficientnet_lite2"
    """Another classifier, which determines whether the object is still recognised."""
    perceptual: Annotated[Path | None, arg(metavar="FILE", help_behavior_hint="")] = None
    """vgg_shift_tolerant.pth or alex_shift_tolerant.pth of the PyPI package stlpips-pytorch. With
    it ST-LPIPS is measured."""
    grid: Annotated[int, arg(metavar="N")] = 14
    """Number of cells per side."""
    share: float = 0.5
    """Share of the cells that is removed."""
    baseline: Annotated[
        str | None, arg(metavar="INFILLER", help_behavior_hint="(default: the last one)")
    ] = None
    """In-filler from which the paired differences of all others are computed."""
    limit: Annotated[int | None, arg(metavar="N")] = 100
    """Number of photos; `none` takes all."""
    subset: Annotated[Subset, arg(metavar="{random,stratified,first}")] = "random"
    """With `limit`: random photos by the seed, as many of each class (stratified), or the first
    ones."""
    correct: bool = False
    """Use only photos whose labelled class is the first answer of the classifier."""
    pictures: Annotated[int, arg(metavar="N")] = 12
    """Number of photos in the pictures."""
    seed: int = 0
    """Seed of the removed cells and of the choice of photos."""
    out: Folder = Path("unsee-infill")
    """Folder for the results."""
    trust: Trust = False
    """Load classifiers and in-fillers that are programs (TorchScript, torch.export), which can run
    any code on this machine."""
    overwrite: bool = False
    """Replace existing results."""
    device: Device = None
    """Device of the networks: cpu, cuda, cuda:1, mps."""

    def check(self) -> None:
        """Check what can be checked before anything is loaded."""
        checks.share(share=self.share)
        checks.at_least(1, grid=self.grid, limit=self.limit, pictures=self.pictures)
        checks.seed(self.seed)
        check_device(self.device)
        if not self.tasks:
            raise InputError(f"expected at least one of --tasks: {', '.join(TASKS)}")
        names = split_words(self.infillers)
        if not names:
            raise InputError("expected at least one of --infillers")
        if self.baseline is not None and self.baseline not in names:
            raise unknown("in-filler of this run", self.baseline, names)
        for classifier in (self.classifier, self.recognition_classifier):
            resolve("sources", classifier)
        if self.perceptual is not None:
            check_file(self.perceptual, "file of weights")
        checks.new_result(self.out, overwrite=self.overwrite)


@dataclass
class Outcome:
    """Measurements of all photos."""

    rows: list[Row] = field(default_factory=list)
    examples: dict[str, list[tuple[Problem, dict[str, Images]]]] = field(default_factory=dict)
    """For each task the first photos, each with its pictures by in-filler."""
    failed: list[str] = field(default_factory=list)


def run(arguments: list[str]) -> int:
    """Measure, print and write; the exit status is 1 if a photo could not be used."""
    options = parse(EvaluateInfill, arguments, "unsee evaluate-infill")
    options.check()
    infillers = {
        name: resolve("infillers", name, **trust_of("infillers", name, trust=options.trust))
        for name in split_words(options.infillers)
    }
    samples = load_data(options.data, trust=options.trust)
    classifier, recognition = (
        loading.load(name, device=options.device, trust=options.trust)
        for name in (options.classifier, options.recognition_classifier)
    )
    numbered = infilling.numbered(samples, classifier, recognition, options.data)
    selected = _selected(options, samples, classifier.device)
    for note in selected.notes:
        print_note(note)
    by_id = {sample.id: sample for sample in numbered}
    taken = [by_id[sample.id] for sample in selected]
    for infiller in infillers.values():
        infiller.prepare(classifier.device)
    perceptual = Perceptual.load(options.perceptual) if options.perceptual else None
    models = QualityModels(
        classifier,
        recognition,
        perceptual.to(classifier.device) if perceptual else None,
    )
    outcome = Outcome(examples={task: [] for task in options.tasks})
    try:
        _measure(options, taken, infillers, models, outcome)
    except KeyboardInterrupt:  # what is finished is written
        if outcome.rows:
            outcome.failed.append("stopped before all photos were measured")
            _finish(options, outcome, infillers, complete=False)
        raise
    if not outcome.rows:
        reason = outcome.failed[0] if outcome.failed else "none"
        raise InputError(f"{options.data}: no photo could be used; {reason}")
    return _finish(options, outcome, infillers)


def _selected(options: EvaluateInfill, samples: Samples, device: torch.device) -> Samples:
    """Return the photos that are measured."""
    plan = Plan(
        data=options.data, classifiers=(options.classifier,), limit=options.limit,
        subset=options.subset, correct=options.correct, seed=options.seed, trust=options.trust,
    )  # fmt: skip
    recognition = Recognition(plan, RECOGNITION_CHUNK, str(device), "float32")
    return photos.select(plan, samples, recognition).samples


def _finish(
    options: EvaluateInfill,
    outcome: Outcome,
    infillers: Mapping[str, Infiller],
    *,
    complete: bool = True,
) -> int:
    """Print and write what was measured; return the exit status."""
    for task in options.tasks:
        rows = [row for row in outcome.rows if row["task"] == task]
        means = [{"task": task, **row} for row in numbers(rows).values()]
        show_table(_table(task, rows), rows=means)
    status = print_errors(outcome.failed)

    def write(folder: Path, overwrite: bool) -> None:
        _write(replace(options, out=folder, overwrite=overwrite), outcome, infillers)

    keeping.write_result(
        options.out, write, "table, rows and pictures", overwrite=options.overwrite,
        complete=complete,
    )  # fmt: skip
    return status


def _measure(
    options: EvaluateInfill,
    samples: list[Sample],
    infillers: Mapping[str, Infiller],
    models: QualityModels,
    outcome: Outcome,
) -> None:
    total = len(samples)
    with terminal_bars() as bars:
        bar = bars.add_task(f"{total} photos", total=total, loss="")
        problems = infilling.problems(
            iter(samples), models.classifier, options.tasks, grid=options.grid,
            share=options.share, seed=options.seed,
        )  # fmt: skip
        done: set[str] = set()
        forecast = Forecast(f"{total} photos x {len(infillers)} in-fillers", total)
        for problem in problems:
            if not isinstance(problem, Problem):
                outcome.failed.append(problem[1])
                continue
            if done and problem.sample not in done:
                forecast.end()
            results = {PHOTO: (problem.image, 0.0)}
            try:
                for name, infiller in infillers.items():
                    results[name] = infilling.infill(infiller, problem, models.classifier)
                outcome.rows += _rows(problem, results, models)
            except Exception as error:
                message = as_message(error).prefixed(problem.sample).in_shell()
                outcome.failed.append(message)
                continue
            pictures = {name: picture for name, (picture, _) in results.items()}
            if len(outcome.examples[problem.task]) < options.pictures:
                outcome.examples[problem.task].append((problem, pictures))
            done.add(problem.sample)
            bars.update(bar, completed=len(done))


def _rows(
    problem: Problem, results: Mapping[str, tuple[Images, float]], models: QualityModels
) -> list[Row]:
    """Return a row for each in-filler."""
    return [
        {
            "photo": problem.sample,
            "task": problem.task,
            "infiller": name,
            **infilling.rate(problem, picture, models),
            "seconds": seconds,
        }
        for name, (picture, seconds) in results.items()
    ]


def _write(options: EvaluateInfill, outcome: Outcome, infillers: Mapping[str, Infiller]) -> None:
    rows = outcome.rows
    with new_folder(options.out, overwrite=options.overwrite) as folder:
        keys = list(dict.fromkeys(key for row in rows for key in row))
        table = Table([Column(key) for key in keys], [[row.get(k) for k in keys] for row in rows])
        write_text(folder / "rows.csv", table.csv())
        baseline = options.baseline or list(infillers)[-1]
        text = [
            markdown(task, [row for row in rows if row["task"] == task], baseline)
            for task in outcome.examples
        ]
        write_text(folder / "table.md", "\n".join(text))
        for task, examples in outcome.examples.items():
            if examples:
                save_figure(draw(examples), folder / f"{task}.png", 80)
        write_manifest(
            folder,
            {
                "settings": {key: str(value) for key, value in vars(options).items()},
                "infillers": {name: settings_of(infiller) for name, infiller in infillers.items()},
                "errors": outcome.failed,
            },
        )


def _table(task: Task, rows: list[Row]) -> Table:
    count = len({row["photo"] for row in rows})
    return replace(means(rows), title=f"{task}, {count} photos: {TASKS[task]}")
