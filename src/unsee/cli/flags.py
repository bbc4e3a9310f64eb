"""Flags of the parts that a command line names, derived from their dataclasses."""

import re
from dataclasses import fields, make_dataclass
from itertools import pairwise
from typing import Annotated, Any

import torch
import tyro

from unsee.classifiers import measures
from unsee.classifiers.loading import DEFAULT, split
from unsee.errors import InputError
from unsee.infillers.base import Infiller
from unsee.methods.base import Method
from unsee.recipes import Recipe, recipe
from unsee.registry import create, name_of
from unsee.sources.base import Source
from unsee.study import DEFAULT_METHOD, default_infiller, infiller_for

PRECISIONS = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}


def parse(options: type[Any], arguments: list[str], prog: str) -> Any:
    """Parse `options` extended by the settings of the method, in-filler and classifier chosen.

    The result has the fields of `options` and the parts `chosen_method`, `chosen_infiller` and
    `chosen_source`. A recipe's settings are the defaults of the flags.
    """
    method, infiller, source, base = _chosen(arguments)
    parts = (
        ("chosen_method", method, ""),
        ("chosen_infiller", infiller, "infiller"),
        ("chosen_source", source, "classifier"),
    )
    defaults = {} if base is None else {"measure": base.measure}
    return _parsed(options, parts, arguments, prog, defaults, _about(method))


def parse_plain(options: type[Any], arguments: list[str], prog: str) -> Any:
    """Parse `options` extended by the settings of the classifier alone."""
    source = create("sources", split(named(arguments, "classifier") or DEFAULT)[0])
    return _parsed(options, (("chosen_source", source, "classifier"),), arguments, prog)


def _parsed(
    options: type[Any],
    parts: tuple[tuple[str, Any, str], ...],
    arguments: list[str],
    prog: str,
    defaults: dict[str, Any] | None = None,
    description: str | None = None,
) -> Any:
    """Parse `options` with a field for each part: its name, the part, the prefix of its flags."""
    extra = [
        (name, Annotated[type(default), tyro.conf.arg(name=prefix)], default)
        for name, default, prefix in parts
        if settings(default)
    ]
    extended: Any = make_dataclass(options.__name__, extra, bases=(options,), frozen=True)
    extended.__doc__ = options.__doc__
    default = extended(**(defaults or {}))
    parsed = tyro.cli(extended, prog=prog, args=arguments, default=default, description=description)
    for name, part, _ in parts:
        if not settings(part):  # a part without settings has no flags
            object.__setattr__(parsed, name, part)
    asked = named(arguments, "measure")
    if asked:
        measures.named(asked)  # refused before anything is loaded
    object.__setattr__(parsed, "asked_measure", asked)
    return parsed


def _about(method: Method) -> str:
    return (
        f"Settings of the method {name_of(method)!r} are among the options; name another with "
        "--method and ask again."
    )


def _chosen(arguments: list[str]) -> tuple[Method, Infiller, Source, Recipe | None]:
    """The parts that the command line names, with the settings that they have before its flags."""
    base = recipe(name) if (name := named(arguments, "recipe")) else None
    method: Method
    if asked := named(arguments, "method"):
        same = base is not None and base.method["name"] == asked
        method = create("methods", **(base.method if same and base else {"name": asked}))
    else:
        method = create("methods", **(base.method if base else {"name": DEFAULT_METHOD}))
    asked = named(arguments, "infiller")
    if asked and not (base and base.infiller["name"] == asked):
        infiller = infiller_for(method, asked)
    else:
        infiller = create("infillers", **base.infiller) if base else default_infiller(method)
    source = create("sources", split(named(arguments, "classifier") or DEFAULT)[0])
    return method, infiller, source, base


def named(arguments: list[str], flag: str) -> str | None:
    """The last value of a flag, before the flags are parsed for real."""
    value = None
    for word, following in pairwise([*arguments, ""]):
        if word == f"--{flag}":
            value = following
        elif word.startswith(f"--{flag}="):
            value = word.partition("=")[2]
    return value


def size(text: str | None) -> tuple[int, int] | None:
    """`224` or `224x320` (height x width)."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d+)(?:x(\d+))?", text)
    if not match or int(match[1]) < 1 or int(match[2] or 1) < 1:
        raise InputError(f"--size: expected 224 or HEIGHTxWIDTH, got {text!r}")
    return int(match[1]), int(match[2] or match[1])


def settings(chosen: Method | Infiller | Source) -> dict[str, Any]:
    """A part's settings as they are given to its constructor."""
    return {field.name: getattr(chosen, field.name) for field in fields(chosen)}  # type: ignore[arg-type]
