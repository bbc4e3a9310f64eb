"""`unsee explain`: photos in, a folder of maps, pictures and numbers for each."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console
from rich.progress import Progress

from unsee.classifiers.classifier import Classifier
from unsee.classifiers.measures import Measure
from unsee.cli import explain_options, flags, print_error
from unsee.cli.explain_options import Question
from unsee.errors import DiskFullError, InputError
from unsee.folders import check_new
from unsee.images import reading
from unsee.infillers.base import Infiller
from unsee.registry import create
from unsee.results import assessment, writing
from unsee.study import DEFAULT_METHOD, Study, passes_of
from unsee.table import Column, Table


@dataclass(frozen=True)
class Explain(Question):
    """Explain photos: which pixels does the classifier's answer rest on?"""

    photos: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    """Photos, folders (with all below them) and globs."""
    method: str = DEFAULT_METHOD
    """See `unsee list methods`; `--method NAME --help` shows its settings."""
    infiller: str | None = None
    """See `unsee list infillers`; by default what the method was published with."""
    recipe: str | None = None
    """Published settings, see `unsee list recipes`; flags override them."""
    repeats: int = 1
    """Runs with other seeds: the map is their mean, and the panel shows where they differ."""
    top: float = 0.15
    """Share of the pixels that is removed and kept in the pictures."""
    judge: str | None = None
    """In-filler of those two pictures; by default the method's."""
    out: Path = Path("unsee-out")
    """Folder for the results, a folder in it for each photo."""


@dataclass
class Outcome:
    """What became of the photos."""

    done: list[tuple[Path, assessment.Assessment]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def run(arguments: list[str]) -> int:
    """Explain every photo that can be explained; report the others at the end."""
    if not {"-h", "--help"} & set(arguments):
        check_names(arguments)
    chosen = flags.parse(Explain, arguments, "unsee explain")
    if not chosen.photos:
        raise InputError("expected at least one photo, folder or glob; see unsee explain --help")
    outcome = explain_all(chosen, reading.find(chosen.photos))
    if outcome.done:
        Console().print(_table(outcome).terminal())
        sys.stdout.write(f"pictures and numbers: {chosen.out / '*' / 'panel.png'}\n")
    for line in outcome.failed:
        print_error(line)
    return 1 if outcome.failed else 0


def check_names(arguments: list[str]) -> None:
    """Refuse unknown names before anything is loaded."""
    if budget := flags.named(arguments, "budget"):
        passes_of(budget)
    if judge := flags.named(arguments, "judge"):
        create("infillers", judge)


def explain_all(chosen: Any, paths: list[Path]) -> Outcome:
    """One photo after another; a bad one does not stop the rest, a full disk does."""
    classifier = explain_options.classifier_of(chosen)
    measure = explain_options.measure_of(chosen, classifier)
    judge = create("infillers", chosen.judge) if chosen.judge else None
    outcome = Outcome()
    folders = _folders(paths, chosen.out)
    with explain_options.progress() as bars:
        photo_bar = bars.add_task(
            f"{len(paths)} photos", total=len(paths), loss="", visible=len(paths) > 1
        )
        for path, folder in zip(paths, folders, strict=True):
            try:
                found = _explain_one(chosen, classifier, measure, judge, path, folder, bars)
                outcome.done.append((folder, found))
            except DiskFullError as error:
                outcome.failed.append(f"{error}; stopped, {len(outcome.done)} results are kept")
                break
            except InputError as error:
                outcome.failed.append(_about(path, error))
            bars.advance(photo_bar)
    return outcome


def _explain_one(
    chosen: Any,
    classifier: Classifier,
    measure: Measure | str | None,
    judge: Infiller | None,
    path: Path,
    folder: Path,
    bars: Progress,
) -> assessment.Assessment:
    check_new(folder, overwrite=chosen.overwrite)
    photo = reading.read(path, classifier.channels)
    study = Study.of(
        classifier,
        classifier.framing.show(photo.pixels),
        chosen.chosen_method,
        infiller=chosen.chosen_infiller,
        targets=chosen.target,
        measure=measure,
        seed=chosen.seed,
        repeats=chosen.repeats,
        budget=chosen.budget,
    )
    explain_options.walk(study, path.name, bars)
    found = assessment.assess(study, chosen.top, judge)
    writing.write(found, photo, folder, overwrite=chosen.overwrite)
    return found


def _about(path: Path, error: InputError) -> str:
    return str(error) if str(path) in str(error) else f"{path}: {error}"


def _folders(paths: list[Path], out: Path) -> list[Path]:
    """A folder for each photo, named after it; photos of the same name are numbered."""
    taken: dict[str, int] = {}
    folders = []
    for path in paths:
        taken[path.stem] = count = taken.get(path.stem, 0) + 1
        folders.append(out / (path.stem if count == 1 else f"{path.stem}-{count}"))
    return folders


def _table(outcome: Outcome) -> Table:
    share = outcome.done[0][1].share
    columns = [Column("result", align="left"), Column("class", align="left")]
    columns += [
        Column(name, spec=".1%")
        for name in ("photo", f"top {share:.0%} removed", f"only top {share:.0%}")
    ]
    columns += [Column(name, spec=".3f") for name in assessment.DIRECTIONS]
    columns += [Column("seconds", spec=".1f")]
    rows = [
        (
            folder.name,
            result.name,
            *(result.target_probabilities[key] for key in assessment.PICTURES),
            *(result.areas["rise"][direction] for direction in assessment.DIRECTIONS),
            result.study.explanation.provenance["cost"]["seconds"],
        )
        for folder, result in outcome.done
    ]
    note = "probability of the class in each picture; areas under protocol rise"
    return Table(columns, rows, note=note)
