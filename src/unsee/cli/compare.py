"""`unsee compare`: one photo with several methods and in-fillers, in one picture and one table."""

import sys
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from unsee.classifiers.classifier import Classifier
from unsee.cli import explain_options, print_error
from unsee.cli.explain_options import ExplainOptions, Folder, InfillerNames, MethodNames, Photo
from unsee.cli.parsing import parse
from unsee.errors import InputError
from unsee.folders import check_new
from unsee.images import reading
from unsee.images.reading import PhotoFile
from unsee.registry import split_words
from unsee.results import comparison
from unsee.results.comparison import Entry
from unsee.study import DEFAULT_METHOD, OWN, Parts, Study, resolve_parts
from unsee.types import Images


@dataclass(frozen=True, kw_only=True)
class Compare(ExplainOptions):
    """Explain one photo with several methods and several in-fillers."""

    photo: Photo
    """The photo."""
    methods: MethodNames = (DEFAULT_METHOD, "fido", "rise", "sliding_patch")
    """Methods, NAME[:setting=value,...] or recipe:NAME; see `unsee list methods`."""
    infillers: InfillerNames = (OWN,)
    """In-fillers, NAME[:setting=value,...], see `unsee list infillers`; `own` is the one with which
    a method was published."""
    out: Folder = Path("unsee-compare")
    """Folder for comparison.png, table.txt, table.csv, table.md, maps.npz and manifest.json."""

    def cells(self) -> dict[tuple[str, str], Parts]:
        """Return the parts of each cell of the table, by the names of method and in-filler."""
        methods, infillers = split_words(self.methods), split_words(self.infillers)
        if not methods or not infillers:
            raise InputError("expected at least one name after --methods and --infillers")
        return {
            (method, infiller): resolve_parts(method, infiller, self.measure)
            for method in methods
            for infiller in infillers
        }


def run(arguments: list[str]) -> int:
    """Explain the photo in all configurations; one that fails leaves an empty cell and status 1."""
    options = parse(Compare, arguments, "unsee compare")
    options.check()
    cells = options.cells()
    check_new(options.out, overwrite=options.overwrite)
    classifier = explain_options.classifier_of(options)
    photo = reading.read(options.photo, classifier.channels)
    image = classifier.framing.show(photo.pixels)
    entries, title = [], ""
    has_infillers = {infiller for _, infiller in cells} != {OWN}
    with explain_options.progress() as bars:
        bar = bars.add_task(f"{len(cells)} maps", total=len(cells), loss="")
        for (method, infiller), parts in cells.items():
            column = infiller if has_infillers else ""
            try:
                study = study_of(options, classifier, image, parts)
                explain_options.run_with_bar(study, f"{method} {infiller}", bars)
                entries.append(comparison.measure_study(study, method, column))
                title = title_of(study)
            except InputError as error:
                entries.append(Entry(method, column, error=str(error)))
            bars.advance(bar)
    heads = ("method", "infiller" if has_infillers else "")
    figure_entries = entries if has_infillers else comparison.as_strip(entries)
    out, overwrite = options.out, options.overwrite
    return finish(out, overwrite, photo, image, title, entries, figure_entries, heads)


def study_of(options: ExplainOptions, classifier: Classifier, image: Images, parts: Parts) -> Study:
    """Bind one configuration to the photo."""
    parts = explain_options.with_contrast(parts, options, classifier)
    return Study.of(
        classifier, image, parts.method, infiller=parts.infiller, targets=options.target,
        measure=parts.measure, seed=options.seed, budget=options.budget,
        deterministic=options.deterministic,
    )  # fmt: skip


def title_of(study: Study) -> str:
    """Return a title with the class that is explained and the classifier."""
    classifier = study.score.classifier
    return f"Why “{classifier.label(int(study.score.targets[0]))}”?   {classifier.name}"


def finish(
    out: Path,
    overwrite: bool,
    photo: PhotoFile,
    image: Images,
    title: str,
    entries: list[Entry],
    figure_entries: list[Entry],
    heads: tuple[str, str],
) -> int:
    """Write the folder, print the table and the errors; return the exit status.

    Args:
        out: Folder that is written.
        overwrite: Whether it may exist.
        photo: The photo as it was read.
        image: The photo as the classifier sees it.
        title: Title of the picture.
        entries: Rows of the table.
        figure_entries: The same entries, placed as in the picture.
        heads: Heads of the table's first two columns; an empty one leaves its column out.
    """
    comparison.write(out, photo, image, title, entries, figure_entries, heads, overwrite=overwrite)
    Console().print(comparison.short_table(entries, heads).terminal())
    sys.stdout.write(f"picture and tables: {out}\n")
    failed = [entry for entry in entries if entry.error]
    for entry in failed:
        print_error(f"{entry.row} {entry.column}: {entry.error}")
    return 1 if failed else 0
