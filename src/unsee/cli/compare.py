"""`unsee compare`: one photo, several methods and in-fillers, one picture and one table."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console

from unsee.classifiers.classifier import Classifier
from unsee.cli import explain_options, flags, print_error
from unsee.cli.explain_options import Question
from unsee.errors import InputError, unknown
from unsee.folders import check_new
from unsee.images import reading
from unsee.recipes import recipe, recipes
from unsee.registry import available, create, part
from unsee.results import comparison
from unsee.study import DEFAULT_METHOD, Study, default_infiller, infiller_for

OWN = "own"
"""In place of an in-filler: the one that each method was published with."""


@dataclass(frozen=True)
class Compare(Question):
    """Explain one photo by several methods with several in-fillers."""

    photo: Annotated[str, tyro.conf.Positional] = ""
    """The photo."""
    methods: str = f"{DEFAULT_METHOD},fido,rise,sliding_patch"
    """Names of methods or recipes, separated by commas."""
    infillers: str = OWN
    """Names of in-fillers, separated by commas; `own` is what a method was published with."""
    out: Path = Path("unsee-compare")
    """Folder for comparison.png, table.txt, table.csv, table.md, maps.npz and manifest.json."""


def run(arguments: list[str]) -> int:
    """Fill the grid; what fails leaves an empty place and exit status 1."""
    chosen = flags.parse_plain(Compare, arguments, "unsee compare")
    if not chosen.photo:
        raise InputError("expected a photo; see unsee compare --help")
    ways = [(m, i, *_parts(m, i)) for m in _names(chosen.methods) for i in _names(chosen.infillers)]
    check_new(chosen.out, overwrite=chosen.overwrite)
    classifier = explain_options.classifier_of(chosen)
    explain_options.measure_of(chosen, classifier)  # refused once, not for every map
    photo = reading.read(chosen.photo, classifier.channels)
    image = classifier.framing.show(photo.pixels)
    entries, title = [], ""
    with explain_options.progress() as bars:
        bar = bars.add_task(f"{len(ways)} maps", total=len(ways), loss="")
        for name, filler, *parts in ways:
            column = "" if chosen.infillers == OWN else filler
            try:
                study = study_of(chosen, classifier, image, *parts)
                explain_options.walk(study, f"{name} {filler}", bars)
                entries.append(comparison.rated(study, name, column))
                title = title_of(study)
            except InputError as error:
                entries.append(comparison.Entry(name, column, error=str(error)))
            bars.advance(bar)
    heads = ("method", "" if chosen.infillers == OWN else "infiller")
    shown = comparison.as_strip(entries) if chosen.infillers == OWN else entries
    return finish(chosen, image, title, entries, shown, heads, photo)


def study_of(chosen: Any, classifier: Classifier, image: Any, *parts: Any) -> Study:
    """The question about one way to explain the photo: method, in-filler, its own measure."""
    method, infiller, measure = parts
    return Study.of(
        classifier, image, method, infiller=infiller, targets=chosen.target,
        measure=explain_options.measure_of(chosen, classifier) or measure, seed=chosen.seed,
        budget=chosen.budget,
    )  # fmt: skip


def title_of(study: Study) -> str:
    """What is explained to whom."""
    classifier = study.score.classifier
    return f"Why “{classifier.label(int(study.score.targets[0]))}”?   {classifier.name}"


def finish(
    chosen: Any,
    image: Any,
    title: str,
    entries: list[comparison.Entry],
    shown: list[comparison.Entry],
    heads: tuple[str, str],
    photo: Any,
) -> int:
    """Write the folder, with the entries as they are `shown`, print the table, say what failed."""
    comparison.write(
        chosen.out, photo, image, title, entries, shown, heads, overwrite=chosen.overwrite
    )
    Console().print(comparison.short_table(entries, heads).terminal())
    sys.stdout.write(f"picture and tables: {chosen.out}\n")
    failed = [entry for entry in entries if entry.error]
    for entry in failed:
        print_error(f"{entry.row} {entry.column}: {entry.error}")
    return 1 if failed else 0


def _names(text: str) -> list[str]:
    found = [name.strip() for name in text.split(",") if name.strip()]
    if not found:
        raise InputError(f"expected names separated by commas, got {text!r}")
    return list(dict.fromkeys(found))


def _parts(name: str, filler: str) -> tuple[Any, Any, str]:
    """A method or recipe and an in-filler, by name."""
    if filler != OWN:
        part("infillers", filler)
    if name in available("methods"):
        method = create("methods", name)
        found = method, default_infiller(method), method.traits.measure
    elif name in recipes():
        found = recipe(name).parts()
    else:
        raise unknown("method or recipe", name, [*available("methods"), *recipes()])
    return found if filler == OWN else (found[0], infiller_for(found[0], filler), found[2])
