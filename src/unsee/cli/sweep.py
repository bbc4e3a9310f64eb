"""`unsee sweep`: one photo and one method, with one of its settings at several values."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, get_type_hints

import torch
from rich.progress import Progress, TaskID
from tyro.conf import arg

from unsee.classifiers.classifier import Classifier
from unsee.cli import compare, explain_options
from unsee.cli.explain_options import ExplainOptions, Folder, InfillerName, MethodName, Photo
from unsee.cli.parsing import parse
from unsee.errors import InputError, unknown
from unsee.folders import check_new
from unsee.images import reading
from unsee.methods.base import Method
from unsee.metrics import _similarity
from unsee.registry import name_of
from unsee.registry.settings import from_text
from unsee.results import comparison
from unsee.results.comparison import Entry
from unsee.study import DEFAULT_METHOD, Parts, Study, passes_of, resolve_parts
from unsee.types import Images

Variants = list[tuple[str, Callable[[], Method]]]
"""Label of each variant of the method, and a function that makes it or raises `InputError`."""


@dataclass(frozen=True, kw_only=True)
class Sweep(ExplainOptions):
    """Explain one photo with a setting of a method at several values, and with several seeds."""

    photo: Photo
    """The photo."""
    method: MethodName = DEFAULT_METHOD
    """Method, NAME[:setting=value,...] or recipe:NAME; see `unsee list methods`."""
    infiller: InfillerName = None
    """In-filler, NAME[:setting=value,...], see `unsee list infillers`."""
    setting: Annotated[
        str | None, arg(metavar="NAME=VALUE,...", help_behavior_hint="(default: only seeds vary)")
    ] = None
    """Setting of the method and its values, such as samples=500,1000,2000."""
    seeds: int = 1
    """Number of runs for each value; each is a row of the picture. Stability is the mean rank
    correlation between their maps."""
    out: Folder = Path("unsee-sweep")
    """Folder for comparison.png, table.txt, table.csv, table.md, maps.npz and manifest.json."""

    def check(self) -> None:
        """Check what can be checked before anything is loaded."""
        super().check()
        if self.seeds < 1:
            raise InputError(f"--seeds: expected at least 1, got {self.seeds}")
        check_new(self.out, overwrite=self.overwrite)


def run(arguments: list[str]) -> int:
    """Explain the photo with all values; one that fails leaves an empty cell and status 1."""
    options = parse(Sweep, arguments, "unsee sweep")
    parts = resolve_parts(options.method, options.infiller, options.measure)
    variants = _variants(parts.method, options.setting)
    options.check()
    classifier = explain_options.classifier_of(options)
    photo = reading.read(options.photo, classifier.channels)
    image = classifier.framing.show(photo.pixels)
    if options.budget is not None:  # the setting that varies overrides the budget
        size = (image.shape[-2], image.shape[-1])
        method = parts.method.with_budget(passes_of(options.budget), size)
        variants, options = _variants(method, options.setting), replace(options, budget=None)
    entries: list[Entry] = []
    title = ""
    with explain_options.progress() as bars:
        bar = bars.add_task("maps", total=len(variants) * options.seeds, loss="")
        for label, make in variants:
            try:
                variant = parts._replace(method=make())
                studies = _studies(options, classifier, image, variant, label, (bars, bar))
                title = f"{compare.title_of(studies[0])}   {name_of(variant.method)}"
                entries += _entries(studies, label, options)
            except InputError as error:
                entries.append(Entry(label, "", error=str(error)))
    heads = ("value", "seed" if options.seeds > 1 else "")
    out, overwrite, figure_entries = options.out, options.overwrite, comparison.as_strip(entries)
    status = compare.finish(out, overwrite, photo, image, title, entries, figure_entries, heads)
    sys.stdout.write(_sensitivity(entries, options.setting))
    return status


def _studies(
    options: Sweep,
    classifier: Classifier,
    image: Images,
    parts: Parts,
    label: str,
    progress: tuple[Progress, TaskID],
) -> list[Study]:
    """Run one variant with all seeds."""
    bars, bar = progress
    studies = []
    for seed in range(options.seed, options.seed + options.seeds):
        study = compare.study_of(replace(options, seed=seed), classifier, image, parts)
        explain_options.run_with_bar(study, f"{label} seed {seed}", bars)
        studies.append(study)
        bars.advance(bar)
    return studies


def _entries(studies: list[Study], label: str, options: Sweep) -> Iterator[Entry]:
    maps = torch.cat([study.explanation.saliency for study in studies])
    stability = {"stability": _similarity.stability(maps)} if len(studies) > 1 else {}
    for number, study in enumerate(studies):
        column = f"seed {options.seed + number}" if len(studies) > 1 else ""
        yield comparison.measure_study(study, label, column, **stability)


def _sensitivity(entries: list[Entry], setting: str | None) -> str:
    """Return a line about the similarity of the maps of all values; empty unless there are two."""
    maps = [entry.saliency for entry in entries if entry.saliency is not None]
    if setting is None or len(maps) < 2:
        return ""
    similarities = _similarity.stability_by_measure(torch.cat(maps))
    words = ", ".join(f"{name} {value:.3f}" for name, value in similarities.items())
    name = setting.partition("=")[0]
    return f"similarity over all pairs of maps, higher is less sensitive to {name}: {words}\n"


def _variants(method: Method, setting: str | None) -> Variants:
    """Return the method with each value of a setting; `setting` is NAME=VALUE,VALUE,..."""
    if setting is None:
        return [(name_of(method), lambda: method)]
    name, _, values = setting.partition("=")
    names = [field.name for field in fields(method)]  # type: ignore[arg-type]
    if name not in names:
        raise unknown(f"setting of {name_of(method)}", name, names)
    words = [word.strip() for word in values.split(",") if word.strip()]
    if not words:
        raise InputError(f"--setting: expected NAME=VALUE,VALUE,..., got {setting!r}")
    return [(f"{name}={word}", _variant(method, name, word)) for word in words]


def _variant(method: Method, name: str, word: str) -> Callable[[], Method]:
    """Return a function that makes the method with a setting at one value."""
    value = from_text(name_of(method), name, get_type_hints(type(method))[name], word)

    def make() -> Method:
        variant: Method = replace(method, **{name: value})  # type: ignore[type-var]
        return variant

    return make
