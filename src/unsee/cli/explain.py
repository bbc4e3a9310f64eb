"""`unsee explain`: for each photo a folder with its map, pictures and numbers."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tyro

from unsee.classifiers.classifier import Classifier
from unsee.cli import checks, explain_options
from unsee.cli.console import print_error, print_note, say, short, show_table
from unsee.cli.cost import Forecast
from unsee.cli.explain_options import ExplainOptions, Folder, InfillerName, MethodName
from unsee.cli.parsing import parse
from unsee.errors import DiskFullError, InputError, as_message
from unsee.images import finding, reading
from unsee.infillers.base import Infiller
from unsee.output.bars import terminal_bars
from unsee.output.table import Column, Table, Value
from unsee.parts import Parts
from unsee.registry import name_of, resolve
from unsee.results import assessment, writing
from unsee.results.calls import Call
from unsee.results.photo_folders import free_folder, result_folders
from unsee.storage.folders import check_new
from unsee.study import DEFAULT_METHOD, Study

AGREEMENT = "agreement"
"""Column with the rank correlation of the maps of several seeds."""


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
    """Number of runs with different seeds. The map is their mean. Panel, table and manifest show
    how much the maps differ, and the range of the two shares."""
    top: Annotated[
        float | None, tyro.conf.arg(help_behavior_hint="(default: the smallest with an effect)")
    ] = None
    """Share of the pixels that is removed, and kept, in the pictures. By default, the smallest
    share whose removal changes the answer, and the smallest that alone keeps 90 % of the
    probability."""
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
        checks.at_least(1, repeats=self.repeats)
        if self.top is not None:
            checks.share(top=self.top)
        checks.writable(self.out)


@dataclass
class Outcome:
    """Results of all photos."""

    quantity: str = "probability"
    """What the classifier returns for a class: a regression has values."""
    rows: list[tuple[Value, ...]] = field(default_factory=list)
    """Row of the table for each photo that was explained."""
    records: list[dict[str, Any]] = field(default_factory=list)
    """The same for programs, with the names of manifest.json."""
    notes: list[str] = field(default_factory=list)
    """Lines about photos whose map shows no evidence."""
    failed: list[InputError] = field(default_factory=list)
    written: int = 0
    """Number of results that were written."""


def run(arguments: list[str]) -> int:
    """Explain every photo that can be explained; report the others at the end."""
    options = parse(Explain, arguments, "unsee explain")
    options.check()
    parts = explain_options.parts_of(options, options.method, options.infiller)
    picture_infiller = None
    if options.picture_infiller is not None:
        trusted = explain_options.infiller_of(options.picture_infiller, trust=options.trust)
        picture_infiller = resolve("infillers", trusted)
    notes: list[str] = []
    paths = finding.find(options.photos, notes)
    if len(paths) > 1 and options.cells and resolve("cells", options.cells).of_file:
        notes.append(f"all {len(paths)} photos have the segments of {options.cells}")
    for note in notes:
        print_note(note)
    _check_results(options, paths)
    outcome = Outcome()
    try:
        explain_all(options, parts, picture_infiller, paths, outcome)
    finally:  # also of what was finished before an interruption
        _print(options, outcome)
    return 1 if outcome.failed else 0


def _check_results(options: Explain, paths: list[Path]) -> None:
    """Refuse a command whose results all exist, before the classifier is loaded."""
    refused: list[InputError] = []
    for folder in result_folders(paths, options.out):
        try:
            check_new(folder, overwrite=options.overwrite)
        except InputError as error:
            refused.append(error)
    if len(refused) == len(paths):
        raise refused[0]


def explain_all(
    options: Explain,
    parts: Parts,
    picture_infiller: Infiller | None,
    paths: list[Path],
    outcome: Outcome,
) -> None:
    """Explain one photo after another and add their results to the outcome.

    A photo that cannot be explained does not stop the others; a full disk does.
    """
    classifier = explain_options.classifier_of(options)
    parts = explain_options.with_contrast(parts, options)
    for infiller in (parts.infiller, picture_infiller or parts.infiller):
        infiller.prepare(classifier.device)
    folders = result_folders(paths, options.out)
    count = f"{len(paths)} photo{'s' if len(paths) > 1 else ''}"
    work = f"{count} x {name_of(parts.method)} with in-filler {name_of(parts.infiller)}"
    forecast = Forecast(work, len(paths))
    with terminal_bars() as bars:
        photo_bar = bars.add_task(count, total=len(paths), loss="", visible=len(paths) > 1)
        for path, named in zip(paths, folders, strict=True):
            forecast.begin()
            try:
                folder = free_folder(named, path)
                check_new(folder, overwrite=options.overwrite)
                photo = reading.read(path, classifier.channels)
                study = _study(options, classifier, parts, photo)
                explain_options.run_with_bar(study, path.name, bars, forecast)
                result = assessment.assess(study, options.top, picture_infiller)
                _write(options, result, photo, folder, outcome)
                outcome.notes += [f"{path}: {result.note}"] if result.note else []
                forecast.end()
            except DiskFullError as error:
                outcome.failed.append(
                    InputError(f"{error}; stopped, {outcome.written} results are kept")
                )
                break
            except Exception as error:
                outcome.failed.append(as_message(error).prefixed(path))
            bars.advance(photo_bar)


def _study(
    options: Explain, classifier: Classifier, parts: Parts, photo: reading.PhotoFile
) -> Study:
    image = classifier.framing.show(photo.pixels)
    slots = explain_options.slots_of(options, classifier, photo.pixels, image)
    return Study.of(
        classifier, image, parts.method, infiller=parts.infiller, targets=options.target,
        measure=parts.measure, cells=slots, seed=options.seed, repeats=options.repeats,
        budget=options.budget, deterministic=options.deterministic,
    )  # fmt: skip


def _write(
    options: Explain,
    result: assessment.Assessment,
    photo: reading.PhotoFile,
    folder: Path,
    outcome: Outcome,
) -> None:
    """Write a result and add its row, which is kept also if it cannot be written."""
    outcome.quantity = result.quantity
    try:
        place = writing.write(
            result, photo, folder, overwrite=options.overwrite, call=_call(options, photo.path)
        )
    except Exception:
        outcome.rows.append(_row(f"{short(folder.name)} (not written)", result))
        outcome.records.append(_record(photo, result, None))
        raise
    outcome.rows.append(_row(short(place.name), result))
    outcome.records.append(_record(photo, result, place))
    outcome.written += 1
    if place != folder:
        outcome.notes.append(f"{folder}: was taken in the meantime; this result is in {place}")


def _call(options: Explain, photo: str) -> Call:
    """Return how a user repeats the explanation of one photo."""
    return Call(
        photo=photo, classifier=options.classifier, method=options.method,
        infiller=options.infiller, measure=options.measure, cells=options.cells,
        target=None if options.target == "top1" else options.target, contrast=options.contrast,
        seed=options.seed, repeats=options.repeats, budget=options.budget,
        size=explain_options.pixels_of(options.size), fit=options.fit,
        precision=options.precision, deterministic=options.deterministic, device=options.device,
        trust=options.trust, top=options.top, picture_infiller=options.picture_infiller,
    )  # fmt: skip


def _print(options: Explain, outcome: Outcome) -> None:
    if outcome.rows:
        show_table(_table(outcome, repeats=options.repeats), photos=outcome.records)
    else:
        say("", photos=[])
    if outcome.written:
        results = [record["result"] for record in outcome.records if record["result"]]
        say(f"pictures and numbers: {options.out / '*' / 'panel.png'}\n", results=results)
    for note in outcome.notes:
        print_note(note)
    for error in outcome.failed:
        print_error(error)


def _table(outcome: Outcome, *, repeats: int) -> Table:
    columns = [Column("result", align="left"), Column("class", align="left")]
    spec = ".1%" if outcome.quantity == "probability" else ".4g"
    columns += [Column("photo", spec=spec)]
    columns += [Column(name) for name in ("top removed", "top only")]
    columns += [Column(name, spec=".3f", style="none") for name in assessment.DIRECTIONS]
    columns += [Column(AGREEMENT, spec=".2f", style="none")] if repeats > 1 else []
    columns += [Column("seconds", spec=".1f")]
    note = (
        f"{outcome.quantity} of the class in the photo and in each picture; areas under protocol "
        "rise"
    )
    if repeats > 1:
        note += (
            f"; in brackets the range of the share over {repeats} seeds; {AGREEMENT}: mean "
            "rank correlation over all pairs of their maps"
        )
    return Table(columns, outcome.rows, note=note)


def _row(name: str, result: assessment.Assessment) -> tuple[Value, ...]:
    agreement = [] if result.variation is None else [result.variation.rank_correlation]
    return (
        name,
        f"{result.name} (no evidence)" if result.note else result.name,
        result.target_probabilities["original"],
        *(_picture(result, key) for key in result.shares),
        *(result.areas["rise"][direction] for direction in assessment.DIRECTIONS),
        *agreement,
        result.study.explanation.provenance["cost"]["seconds"],
    )


def _record(
    photo: reading.PhotoFile, result: assessment.Assessment, place: Path | None
) -> dict[str, Any]:
    """Return the numbers of a photo for programs; `place` is its folder, None if not written."""
    variation = result.variation
    return {
        "photo": photo.path,
        "result": place,
        "target": {"index": result.target, "name": result.name},
        "evidence": {
            "share": result.shares,
            "changes_answer": result.has_effect["removed"],
            "suffices": result.has_effect["kept"],
        },
        result.quantity: result.target_probabilities,
        "area": result.areas,
        "variation": None if variation is None else variation.plain(),
        "seconds": result.study.explanation.provenance["cost"]["seconds"],
        "note": result.note,
    }


def _picture(result: assessment.Assessment, key: str) -> str:
    """Return the share of the pixels that one picture removes or keeps, and what it gives."""
    number = result.target_probabilities[key]
    text = f"{number:.1%}" if result.quantity == "probability" else f"{number:.4g}"
    over_seeds = "" if result.variation is None else f" ({result.variation.range_in_words(key)})"
    return f"{result.shares[key]:.0%}{over_seeds}: {text}"
