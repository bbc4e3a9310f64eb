"""`unsee sweep`: one photo and one method, with one of its settings at several values."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Annotated, Any, Literal

import torch
from tyro.conf import arg

from unsee.cli import checks, compare, configurations, explain_options
from unsee.cli.configurations import Configuration, Result
from unsee.cli.explain_options import ExplainOptions, Folder, InfillerName, MethodName, Photo
from unsee.cli.parsing import parse
from unsee.errors import InputError, unknown
from unsee.images import reading
from unsee.inputs import passes_of
from unsee.methods._cells import with_cells
from unsee.methods.base import Method
from unsee.metrics import _similarity
from unsee.registry import name_of
from unsee.registry.settings import of_object
from unsee.results.comparison import Entry
from unsee.storage.files import check_file
from unsee.study import DEFAULT_METHOD, Study
from unsee.types import Saliency

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
    correlation between their maps, beside their mean SSIM and correlation of HOG features."""
    out: Folder = Path("unsee-sweep")
    """Folder for comparison.png, table.txt, table.csv, table.md, maps.npz and manifest.json."""

    def check(self) -> None:
        """Check what can be checked before anything is loaded."""
        super().check()
        checks.at_least(1, seeds=self.seeds)
        check_file(self.photo, "photo")
        checks.new_result(self.out, overwrite=self.overwrite)


def run(arguments: list[str]) -> int:
    """Explain the photo with all values; one that fails leaves an empty cell and status 1."""
    options = parse(Sweep, arguments, "unsee sweep")
    options.check()
    parts = explain_options.parts_of(options, options.method, options.infiller)
    variants = _variants(parts.method, options.setting)
    classifier = explain_options.classifier_of(options)
    photo = reading.read(options.photo, classifier.channels)
    image = classifier.framing.show(photo.pixels)
    slots = explain_options.slots_of(options, classifier, photo.pixels, image)
    if slots is not None:
        _check_setting(parts.method, options)
        parts = parts._replace(method=with_cells(parts.method, slots))
        variants = _variants(parts.method, options.setting)
    if options.budget is not None:  # the setting that varies overrides the budget
        size = (image.shape[-2], image.shape[-1])
        method = parts.method.with_budget(passes_of(options.budget), size)
        variants, options = _variants(method, options.setting), replace(options, budget=None)
    seeds = range(options.seed, options.seed + options.seeds)
    columns = tuple(f"seed {seed}" for seed in seeds) if options.seeds > 1 else ("",)

    def bind(make: Callable[[], Method], number: int) -> Study:
        return compare.study_of(
            options, classifier, image, slots, parts._replace(method=make()), number
        )

    outcome = configurations.explain_all(
        [Configuration(label, columns, partial(bind, make)) for label, make in variants]
    )
    outcome.title += f"   {name_of(parts.method)}"
    outcome.summary, outcome.values = _sensitivity(outcome.entries, options.setting)
    heads = ("value", "seed" if options.seeds > 1 else "")
    result = Result(options.out, options.overwrite, photo, image, heads)
    return result.finish(outcome, as_strip=True)


def _sensitivity(entries: list[Entry], setting: str | None) -> tuple[str, dict[str, Any]]:
    """Return lines about the similarity of maps, and the same for programs.

    Both are empty where there are no two maps.

    Seeds are compared at each value of the setting, and values at each seed, as in Table S1 of
    Agarwal & Nguyen (ACCV 2020, https://arxiv.org/abs/1910.04256). A number is the mean over all
    pairs of maps, and over the seeds.
    """
    by_value, by_seed = _maps_by(entries, "row"), _maps_by(entries, "column")
    lines, rows = [], []
    for value, maps in by_value.items():
        similarity = _similarities([maps])
        rows.append({"varied": "seed", "at": value, **similarity})
        lines.append(
            f"similarity of the maps of {len(maps)} seeds at {value}, higher is less sensitive to "
            f"the seed: {_in_words(similarity)}\n"
        )
    if setting is not None and by_seed:
        name, seeds = setting.partition("=")[0], " at each seed" if len(by_seed) > 1 else ""
        similarity = _similarities(list(by_seed.values()))
        rows.append({"varied": name, "at": None, **similarity})
        lines.append(
            f"similarity of the maps of all values{seeds}, higher is less sensitive to {name}: "
            f"{_in_words(similarity)}\n"
        )
    return "".join(lines), {"similarities": rows} if rows else {}


def _maps_by(entries: list[Entry], key: Literal["row", "column"]) -> dict[str, list[Saliency]]:
    """Return the maps of each row or column that has two of them at least."""
    groups: dict[str, list[Saliency]] = {}
    for entry in entries:
        if entry.saliency is not None:
            groups.setdefault(getattr(entry, key), []).append(entry.saliency)
    return {name: maps for name, maps in groups.items() if len(maps) > 1}


def _similarities(groups: list[list[Saliency]]) -> dict[str, float]:
    """Return the mean similarity over all pairs of each group, by each measure."""
    numbers = [_similarity.stability_by_measure(torch.cat(maps)) for maps in groups]
    return {name: fmean(n[name] for n in numbers) for name in numbers[0]}


def _in_words(similarity: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in similarity.items())


def _check_setting(method: Method, options: Sweep) -> None:
    """Refuse to vary a setting that --cells replaces."""
    name = (options.setting or "").partition("=")[0]
    if name in method.traits.cells:
        raise InputError(f"--setting {name}: --cells {options.cells} replaces it; omit one of both")


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
    value = of_object(name_of(method), method, name, word)

    def make() -> Method:
        variant: Method = replace(method, **{name: value})  # type: ignore[type-var]
        return variant

    return make
