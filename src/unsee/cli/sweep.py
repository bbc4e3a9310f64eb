"""`unsee sweep`: one photo, one method, one setting at several values."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any

import torch
import tyro

from unsee.cli import compare, explain_options, flags
from unsee.cli.explain_options import Question
from unsee.errors import InputError, unknown
from unsee.folders import check_new
from unsee.images import reading
from unsee.metrics import _similarity
from unsee.registry import name_of
from unsee.results import comparison
from unsee.results.comparison import Entry
from unsee.study import DEFAULT_METHOD, passes_of
from unsee.types import Size

Values = list[tuple[str, Any]]
"""Label and maker of each variant of the method."""


@dataclass(frozen=True)
class Sweep(Question):
    """Explain one photo by one method with a setting at several values, and with several seeds.

    All other settings of the method can be given as with `unsee explain`.
    """

    photo: Annotated[str, tyro.conf.Positional] = ""
    """The photo."""
    method: str = DEFAULT_METHOD
    """See `unsee list methods`."""
    infiller: str | None = None
    """See `unsee list infillers`; by default what the method was published with."""
    recipe: str | None = None
    """Published settings, see `unsee list recipes`; flags override them."""
    setting: str = ""
    """NAME=VALUE,VALUE,... of the method; without it only the seeds vary."""
    seeds: int = 1
    """Runs of each value; a row of the picture for each. Stability is the mean rank correlation
    between their maps."""
    out: Path = Path("unsee-sweep")
    """Folder for comparison.png, table.txt, table.csv, table.md, maps.npz and manifest.json."""


def run(arguments: list[str]) -> int:
    """Fill the strip; a value that fails leaves an empty place and exit status 1."""
    chosen = _chosen(arguments)
    values = _values(chosen.chosen_method, chosen.setting)
    check_new(chosen.out, overwrite=chosen.overwrite)
    classifier = explain_options.classifier_of(chosen)
    explain_options.measure_of(chosen, classifier)  # refused once, not for every value
    photo = reading.read(chosen.photo, classifier.channels)
    image = classifier.framing.show(photo.pixels)
    values, chosen = _within_budget(values, chosen, (image.shape[-2], image.shape[-1]))
    entries: list[Entry] = []
    title = ""
    with explain_options.progress() as bars:
        bar = bars.add_task("maps", total=len(values) * chosen.seeds, loss="")
        for label, method in values:
            studies = []
            try:
                made = method()
                for seed in range(chosen.seed, chosen.seed + chosen.seeds):
                    asked = replace(chosen, seed=seed)
                    study = compare.study_of(
                        asked, classifier, image, made, chosen.chosen_infiller, made.measure
                    )
                    explain_options.walk(study, f"{label} seed {seed}", bars)
                    studies.append(study)
                    bars.advance(bar)
                title = f"{compare.title_of(study)}   {name_of(made)}"
                entries += _rated(studies, label, chosen)
            except InputError as error:
                entries.append(Entry(label, "", error=str(error)))
    heads, shown = ("value", "seed" if chosen.seeds > 1 else ""), comparison.as_strip(entries)
    status = compare.finish(chosen, image, title, entries, shown, heads, photo)
    sys.stdout.write(_sensitivity(entries, chosen.setting))
    return status


def _chosen(arguments: list[str]) -> Any:
    chosen = flags.parse(Sweep, arguments, "unsee sweep")
    if not chosen.photo:
        raise InputError("expected a photo; see unsee sweep --help")
    if chosen.seeds < 1:
        raise InputError(f"--seeds: expected at least 1, got {chosen.seeds}")
    return chosen


def _within_budget(values: Values, chosen: Any, size: Size) -> tuple[Values, Any]:
    """The variants that a budget pays for: the setting that varies counts for more."""
    if not chosen.budget:
        return values, chosen
    method = chosen.chosen_method.with_budget(passes_of(chosen.budget), size)
    return _values(method, chosen.setting), replace(chosen, budget=None)


def _rated(studies: list[Any], label: str, chosen: Any) -> Iterator[Entry]:
    maps = torch.cat([study.explanation.saliency for study in studies])
    more = {"stability": _similarity.pairs(maps)} if len(studies) > 1 else {}
    for number, study in enumerate(studies):
        column = f"seed {chosen.seed + number}" if len(studies) > 1 else ""
        yield comparison.rated(study, label, column, **more)


def _sensitivity(entries: list[Entry], setting: str) -> str:
    """How alike the maps of the values are; empty unless there are two."""
    maps = [entry.saliency for entry in entries if entry.saliency is not None]
    if not setting or len(maps) < 2:
        return ""
    found = _similarity.sensitivity(torch.cat(maps))
    told = ", ".join(f"{name} {value:.3f}" for name, value in found.items())
    name = setting.partition("=")[0]
    return f"similarity over all pairs of maps, higher is less sensitive to {name}: {told}\n"


def _values(method: Any, text: str) -> Values:
    """Label and maker of each variant of the method."""
    if not text:
        return [(name_of(method), lambda: method)]
    name, _, listed = text.partition("=")
    known = {field.name: getattr(method, field.name) for field in fields(method)}
    if name not in known:
        raise unknown(f"setting of {name_of(method)}", name, known)
    words = [word.strip() for word in listed.split(",") if word.strip()]
    if not words:
        raise InputError(f"--setting: expected NAME=VALUE,VALUE,..., got {text!r}")
    return [
        (f"{name}={word}", _maker(method, name, _read(known[name], word, name))) for word in words
    ]


def _maker(method: Any, name: str, value: Any) -> Any:
    return lambda: replace(method, **{name: value})


def _read(like: Any, word: str, name: str) -> Any:
    """A value of the same type as the setting's default."""
    try:
        if isinstance(like, bool):
            return {"true": True, "false": False}[word.lower()]
        return type(like)(word) if isinstance(like, (int, float, str)) else (float(word),)
    except (KeyError, ValueError) as error:
        kind = type(like).__name__
        raise InputError(
            f"--setting {name}: expected a value like {like!r} ({kind}), got {word!r}"
        ) from error
