"""`unsee evaluate-infill`: in-fillers side by side on labelled photos."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console

from unsee.classifiers import loading
from unsee.cli import explain_options, print_error
from unsee.datasets._loading import load_data
from unsee.datasets.base import limited
from unsee.errors import InputError, unknown
from unsee.evaluation import infilling
from unsee.evaluation.infilling import TASKS, Problem, QualityModels, Task
from unsee.folders import check_new, new_folder, write_manifest
from unsee.images.drawing import INK, PAPER, show, to_pixels
from unsee.infillers.base import Infiller
from unsee.networks.perceptual import Perceptual
from unsee.registry import create, settings_of
from unsee.reports.infilling import markdown, means
from unsee.table import Column, Table

PHOTO = "photo"
"""The control: nothing is missing."""


@dataclass(frozen=True)
class EvaluateInfill:
    """Random cells, objects and backgrounds are removed and in-filled; classifiers look on.

    Writes rows.csv (a row for each photo, task and in-filler), table.md, a picture for each task
    and manifest.json.
    """

    data: str = ""
    """Labelled photos: a path, or DATASET:PATH; see `unsee list datasets`."""
    infillers: Annotated[tuple[str, ...], tyro.conf.arg(metavar="INFILLER ...")] = (
        "grey", "mean", "blur", "local", "telea", "patchmatch",
    )  # fmt: skip
    """NAME, or NAME:PATH for one with weights; see `unsee list infillers`."""
    tasks: tuple[Task, ...] = ("cells", "object", "background")
    """What is removed."""
    classifier: str = loading.DEFAULT
    """Whose probability of the right class counts."""
    second: str = "efficientnet_lite2"
    """The classifier that says whether the object is still there."""
    perceptual: Path | None = None
    """vgg_shift_tolerant.pth of the PyPI package stlpips-pytorch (or alex_...): ST-LPIPS."""
    grid: int = 14
    """Random cells per side."""
    share: float = 0.5
    """Of the cells that are missing."""
    against: str | None = None
    """Differences of all others from this in-filler, photo by photo; by default from the last."""
    limit: int = 100
    """Photos; 0 takes all."""
    pictures: int = 12
    """Photos in the pictures."""
    seed: int = 0
    """Same seed: same cells."""
    out: Path = Path("unsee-infill")
    """Folder for the results."""
    overwrite: bool = False
    """Replace results that exist."""
    device: str | None = None
    """cpu, cuda, ...; by default CUDA where there is one."""


def run(arguments: list[str]) -> int:
    """Measure, print, write; exit status 1 if a photo could not be used."""
    chosen = tyro.cli(EvaluateInfill, prog="unsee evaluate-infill", args=arguments)
    if not chosen.data:
        raise InputError("expected --data; see unsee evaluate-infill --help")
    if not 0 < chosen.share < 1 or chosen.grid < 1:
        raise InputError(
            f"expected 0 < share < 1 and a grid of at least 1, got {chosen.share}, {chosen.grid}"
        )
    if not chosen.infillers:
        raise InputError("expected at least one of --infillers")
    fillers = {name: _filler(name) for name in chosen.infillers}
    if chosen.against is not None and chosen.against not in fillers:
        raise unknown("in-filler of this run", chosen.against, list(fillers))
    check_new(chosen.out, overwrite=chosen.overwrite)
    samples = load_data(chosen.data)
    classifier = loading.load(chosen.classifier, device=chosen.device)
    perceptual = Perceptual.load(chosen.perceptual) if chosen.perceptual else None
    models = QualityModels(
        classifier,
        loading.load(chosen.second, device=chosen.device),
        perceptual.to(classifier.device) if perceptual else None,
    )
    rows, kept, bad = _measured(chosen, samples, fillers, models)
    if not rows:
        raise InputError(f"{chosen.data}: no photo could be used; {bad[0] if bad else 'none'}")
    _write(chosen, rows, kept, fillers, bad)
    for task in chosen.tasks:
        Console().print(_table(task, [row for row in rows if row["task"] == task]))
    sys.stdout.write(f"table, rows and pictures: {chosen.out}\n")
    for line in bad:
        print_error(line)
    return 1 if bad else 0


def _filler(name: str) -> Infiller:
    part, _, path = name.partition(":")
    found: Infiller = create("infillers", part, **({"weights": path} if path else {}))
    return found


def _measured(
    chosen: EvaluateInfill, samples: list[Any], fillers: dict[str, Infiller], models: QualityModels
) -> tuple[list[dict[str, Any]], dict[str, list[tuple[Problem, dict[str, Any]]]], list[str]]:
    """Rows, the first pictures of each task, and what went wrong."""
    rows: list[dict[str, Any]] = []
    kept: dict[str, list[tuple[Problem, dict[str, Any]]]] = {task: [] for task in chosen.tasks}
    bad: list[str] = []
    total = min(len(samples), chosen.limit or len(samples))
    with explain_options.progress() as bars:
        bar = bars.add_task(f"{total} photos", total=total, loss="")
        asked = infilling.problems(
            limited(samples, chosen.limit), models.classifier, chosen.tasks, grid=chosen.grid,
            share=chosen.share, seed=chosen.seed,
        )  # fmt: skip
        seen: set[str] = set()
        for problem in asked:
            if not isinstance(problem, Problem):
                bad.append(problem[1])
                continue
            made = {PHOTO: (problem.image, 0.0)}
            for name, filler in fillers.items():
                made[name] = infilling.infill(filler, problem, models.classifier)
            try:
                rows += _rows(problem, made, models)
            except InputError as error:
                bad.append(str(error))
                continue
            pictures = {name: picture for name, (picture, _) in made.items()}
            if len(kept[problem.task]) < chosen.pictures:
                kept[problem.task].append((problem, pictures))
            seen.add(problem.sample)
            bars.update(bar, completed=len(seen))
    return rows, kept, bad


def _rows(problem: Problem, made: dict[str, Any], models: QualityModels) -> list[dict[str, Any]]:
    """A row for each in-filler."""
    return [
        {
            "photo": problem.sample,
            "task": problem.task,
            "infiller": name,
            **infilling.rate(problem, painted, models),
            "seconds": seconds,
        }
        for name, (painted, seconds) in made.items()
    ]


def _write(
    chosen: EvaluateInfill,
    rows: list[dict[str, Any]],
    kept: dict[str, list[tuple[Problem, dict[str, Any]]]],
    fillers: dict[str, Infiller],
    bad: list[str],
) -> None:
    with new_folder(chosen.out, overwrite=chosen.overwrite) as folder:
        keys = list(dict.fromkeys(key for row in rows for key in row))
        table = Table([Column(key) for key in keys], [[row.get(k) for k in keys] for row in rows])
        (folder / "rows.csv").write_text(table.csv(), encoding="utf-8")
        against = chosen.against or list(fillers)[-1]
        text = [
            markdown(task, [row for row in rows if row["task"] == task], against) for task in kept
        ]
        (folder / "table.md").write_text("\n".join(text), encoding="utf-8")
        for task, examples in kept.items():
            if examples:
                _picture(examples).savefig(folder / f"{task}.png", dpi=80)
        settings = {key: str(value) for key, value in vars(chosen).items()}
        write_manifest(
            folder,
            {
                "settings": settings,
                "infillers": {name: settings_of(filler) for name, filler in fillers.items()},
                "errors": bad,
            },
        )


def _table(task: Task, rows: list[dict[str, Any]]) -> Any:
    count = len({row["photo"] for row in rows})
    title = f"{task}, {count} photos: {TASKS[task]}"
    return replace(means(rows), title=title).terminal()


def _picture(examples: list[tuple[Problem, dict[str, Any]]]) -> Any:
    """A row for each photo, a column for each in-filler; missing pixels are shown black."""
    from matplotlib.figure import Figure

    names = list(examples[0][1])
    columns = [PHOTO, "missing", *(name for name in names if name != PHOTO)]
    size = (1.9 * len(columns), 1.95 * len(examples) + 0.3)
    drawing = Figure(figsize=size, layout="constrained", facecolor=PAPER)
    axes = drawing.subplots(len(examples), len(columns), squeeze=False)
    for row, (problem, pictures) in enumerate(examples):
        for column, name in enumerate(columns):
            picture = problem.image * problem.keep if name == "missing" else pictures[name]
            show(axes[row][column], to_pixels(picture[0]))
            if row == 0:
                axes[row][column].set_title(name.partition(":")[0], fontsize=11, color=INK)
    return drawing
