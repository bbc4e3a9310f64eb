"""`unsee completion`: a script by which a shell completes commands, options, names and files."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from tyro.conf import Positional, arg

from unsee.classifiers.measures import MEASURES
from unsee.cli import (
    COMMANDS,
    audit,
    bench,
    compare,
    counterfactual,
    demo,
    evaluate,
    evaluate_infill,
    explain,
    export,
    report,
    sanity,
    sanity_labels,
    studio,
    sweep,
    train,
)
from unsee.cli import list as listing
from unsee.cli.completion_scripts import SCRIPTS, Command, Option, Values
from unsee.cli.console import say
from unsee.cli.parsing import JSON, parse
from unsee.evaluation.paper_tables import tables
from unsee.inputs import BUDGETS
from unsee.recipes import recipes
from unsee.registry import RECIPE, available, part
from unsee.registry.settings import field_docstrings


@dataclass(frozen=True, kw_only=True)
class Completion:
    """Print a script by which a shell completes commands, options, names of parts and files.

    The script starts no Python. Print it again after an update of unsee:
    bash: unsee completion bash > ~/.local/share/bash-completion/completions/unsee
    zsh: unsee completion zsh > FOLDER/_unsee, with a FOLDER of $fpath
    fish: unsee completion fish > ~/.config/fish/completions/unsee.fish
    """

    shell: Annotated[Literal["bash", "zsh", "fish"], Positional, arg(metavar="{bash,zsh,fish}")]
    """The shell."""


OPTIONS: dict[str, type[Any]] = {
    "explain": explain.Explain,
    "compare": compare.Compare,
    "counterfactual": counterfactual.CounterfactualOptions,
    "sweep": sweep.Sweep,
    "sanity": sanity.Sanity,
    "sanity-labels": sanity_labels.SanityLabels,
    "evaluate": evaluate.Evaluate,
    "report": report.ReportOptions,
    "audit": audit.AuditOptions,
    "evaluate-infill": evaluate_infill.EvaluateInfill,
    "export": export.ExportOptions,
    "bench": bench.BenchOptions,
    "demo": demo.Demo,
    "studio": studio.Studio,
    "completion": Completion,
    **{f"train {name}": network.settings for name, network in train.NETWORKS.items()},
}
"""Options of each command; `train` has several, and `list` one for each kind."""
WITH_OPPOSITES = ("evaluate",)
"""Commands whose switches have an opposite, such as `--no-correct`."""
PATHS = ("PHOTO", "DATA", "RUN", "FILE", "FOLDER")
"""Notations of values that are paths although their type is text."""


def run(arguments: list[str]) -> int:
    """Print the script."""
    options = parse(Completion, arguments, "unsee completion")
    script = SCRIPTS[options.shell](list(commands()))
    say(script, script=script)
    return 0


def commands() -> Iterator[Command]:
    """Yield all commands with their options."""
    for name in ("train", "list"):
        yield Command(name, COMMANDS[name].partition("\n")[0])
    for name, cls in OPTIONS.items():
        options = list(_options(cls, opposites=name in WITH_OPPOSITES))
        named = tuple(option for option in options if option.flags)
        positional = [option.values for option in options if not option.flags]
        summary = COMMANDS.get(name) or train.NETWORKS[name.removeprefix("train ")].summary
        yield Command(
            name, summary.partition("\n")[0], named, positional[0] if positional else None
        )
    for kind in listing.KINDS:
        json = Option((f"--{JSON.name}",), str(JSON.helptext))
        names = tuple(name.partition(":")[0] for name in _names(kind))
        yield Command(f"list {kind}", f"list {kind}", (json,), Values(names))


def _options(cls: type[Any], prefix: str = "", *, opposites: bool) -> Iterator[Option]:
    """Yield the options that a dataclass defines; those without a flag are positional."""
    hints, docstrings = get_type_hints(cls, include_extras=True), field_docstrings(cls)
    for field in fields(cls):
        hint = hints[field.name]
        if is_dataclass(hint):
            assert isinstance(hint, type)
            yield from _options(hint, f"{prefix}{field.name}.", opposites=opposites)
            continue
        help_text = " ".join(docstrings.get(field.name, "").split())
        if Positional in get_args(hint):
            yield Option((), help_text, _values(field.name, hint))
            continue
        flags = [f"--{prefix}{name.replace('_', '-')}" for name in _flag_names(field.name, hint)]
        if _parts(hint)[0] is not bool:
            yield Option(tuple(flags), help_text, _values(field.name, hint))
        else:
            no = [f"--no-{flag.removeprefix('--')}" for flag in flags] if opposites else []
            yield Option((*flags, *no), help_text)
    if not prefix:
        yield Option((f"--{JSON.name}",), str(JSON.helptext))


def _flag_names(name: str, hint: Any) -> list[str]:
    """Return the names of an option, as `arg` may change them."""
    names = []
    for note in get_args(hint)[1:]:
        names += [note.name] if getattr(note, "name", None) else []
        names += [alias.removeprefix("--") for alias in getattr(note, "aliases", None) or ()]
    return names or [name]


def _parts(hint: Any) -> list[Any]:
    """Return the types and the literals in a type, without its annotations."""
    if get_origin(hint) is Annotated:
        return _parts(get_args(hint)[0])
    inner = get_args(hint)
    return [part for kind in inner for part in _parts(kind)] if inner else [hint]


def _values(name: str, hint: Any) -> Values:
    """Return what an option takes, by its name and its type."""
    parts = _parts(hint)
    base = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    several = get_origin(base) is tuple
    metavars = [str(getattr(note, "metavar", None) or "") for note in get_args(hint)[1:]]
    is_path = Path in parts or any(metavar.split(" ")[0] in PATHS for metavar in metavars)
    words = tuple(word for word in parts if isinstance(word, str))
    if str in parts:
        words = _words(name)
    return Values(words, is_path, several)


def _words(name: str) -> tuple[str, ...]:
    """Return the names that an option such as `picture_infiller` takes."""
    if name == "kind":
        return listing.KINDS
    if name == "budget":
        return tuple(BUDGETS)
    if name == "plan":
        return tuple(_names("tables"))
    last = name.rpartition("_")[2]
    kind = {"data": "datasets", "cells": "cells"}.get(last, f"{last.removesuffix('s')}s")
    names = _names(kind) if kind in listing.KINDS else []
    return (*names, *(f"{RECIPE}{name}" for name in recipes() if kind == "methods"))


def _names(kind: str) -> list[str]:
    """Return the names of a kind; one that has an argument ends in a colon."""
    if kind in {"measures", "recipes", "tables"}:
        return list({"measures": MEASURES, "recipes": recipes(), "tables": tables()}[kind])
    folder = listing.FOLDERS.get(kind, kind)
    arguments = {name: getattr(part(folder, name), "argument", "") for name in available(folder)}
    return [f"{name}:" if argument else name for name, argument in arguments.items()]
