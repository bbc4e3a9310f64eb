"""`unsee explain`: for each photo a folder with its map, pictures and numbers."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from unsee.classifiers.classifier import Classifier
from unsee.cli import explain_options, print_error
from unsee.cli.explain_options import ExplainOptions, Folder, InfillerName, MethodName
from unsee.cli.parsing import parse
from unsee.errors import DiskFullError, InputError
from unsee.folders import check_new, result_folders
from unsee.images import finding, reading
from unsee.infillers.base import Infiller
from unsee.registry import resolve
from unsee.results import assessment, writing
from unsee.study import DEFAULT_METHOD, Parts, Study, resolve_parts
from unsee.table import Column, Table


@dataclass(frozen=True, kw_only=True)
class Explain(ExplainOptions):
    """Explain photos: find the pixels that the classifier's decision depends on."""

    photos: Annotated[
        tuple[str, ...],
        tyro.conf.Positional,
        tyro.conf.arg(metavar="PHOTO ...", help_behavior_hint="(required)"),
    ] = ()
    """Photos, folders (with their subfolders) and globs."""
    method: MethodName = DEFAULT_METHOD
    """Method, NAME[:setting=value,...], see `unsee list methods`; `unsee list methods NAME` lists
    its settings. recipe:NAME is a method with published settings, see `unsee list recipes`."""
    infiller: InfillerName = None
    """In-filler, NAME[:setting=value,...], see `unsee list infillers`."""
    repeats: int = 1
    """Number of runs with different seeds. The map is their mean, and the panel shows their
    standard deviation."""
    top: float = 0.15
    """Share of the pixels that is removed, and kept, in the pictures."""
    picture_infiller: InfillerName = None
    """In-filler of these two pictures."""
    out: Folder = Path("unsee-out")
    """Folder for the results; each photo has a folder in it."""

    def check(self) -> None:
        """Check what can be checked before anything is loaded."""
        super().check()
        if not self.photos:
            raise InputError(
                "expected at least one photo, folder or glob; see unsee explain --help"
            )
        if self.repeats < 1:
            raise InputError(f"--repeats: expected at least 1, got {self.repeats}")
        if not 0 < self.top < 1:
            raise InputError(f"--top: expected a share between 0 and 1, got {self.top}")
        if self.out.exists() and not self.out.is_dir():
            raise InputError(f"--out: {self.out} is a file, expected a folder")

    def parts(self) -> Parts:
        """Return the method, its in-filler and its measure."""
        parts = resolve_parts(self.method, self.infiller, self.measure)
        parts.method.check()
        return parts


@dataclass
class Outcome:
    """Results of all photos."""

    done: list[tuple[Path, assessment.Assessment]] = field(default_factory=list)
    failed: list[InputError] = field(default_factory=list)


def run(arguments: list[str]) -> int:
    """Explain every photo that can be explained; report the others at the end."""
    options = parse(Explain, arguments, "unsee explain")
    options.check()
    parts = options.parts()
    picture_infiller = None
    if options.picture_infiller is not None:
        picture_infiller = resolve("infillers", options.picture_infiller)
    paths = finding.find(options.photos)
    outcome = explain_all(options, parts, picture_infiller, paths)
    if outcome.done:
        Console().print(_table(outcome).terminal())
        sys.stdout.write(f"pictures and numbers: {options.out / '*' / 'panel.png'}\n")
    for error in outcome.failed:
        print_error(error)
    return 1 if outcome.failed else 0


def explain_all(
    options: Explain, parts: Parts, picture_infiller: Infiller | None, paths: list[Path]
) -> Outcome:
    """Explain one photo after another.

    A photo that cannot be explained does not stop the others; a full disk does.
    """
    classifier = explain_options.classifier_of(options)
    parts = explain_options.with_contrast(parts, options, classifier)
    outcome = Outcome()
    folders = result_folders(paths, options.out)
    with explain_options.progress() as bars:
        photo_bar = bars.add_task(
            f"{len(paths)} photos", total=len(paths), loss="", visible=len(paths) > 1
        )
        for path, folder in zip(paths, folders, strict=True):
            try:
                check_new(folder, overwrite=options.overwrite)
                photo = reading.read(path, classifier.channels)
                study = _study(options, classifier, parts, photo)
                explain_options.run_with_bar(study, path.name, bars)
                result = assessment.assess(study, options.top, picture_infiller)
                writing.write(result, photo, folder, overwrite=options.overwrite)
                outcome.done.append((folder, result))
            except DiskFullError as error:
                outcome.failed.append(
                    InputError(f"{error}; stopped, {len(outcome.done)} results are kept")
                )
                break
            except InputError as error:
                outcome.failed.append(error.prefixed(path))
            bars.advance(photo_bar)
    return outcome


def _study(
    options: Explain, classifier: Classifier, parts: Parts, photo: reading.PhotoFile
) -> Study:
    return Study.of(
        classifier, classifier.framing.show(photo.pixels), parts.method, infiller=parts.infiller,
        targets=options.target, measure=parts.measure, seed=options.seed, repeats=options.repeats,
        budget=options.budget, deterministic=options.deterministic,
    )  # fmt: skip


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
