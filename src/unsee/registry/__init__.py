"""Make parts (methods, in-fillers, metrics, sources, data sets, cells) by name.

A file in the folder of a kind defines one part, and the name of the file is the name of the part.
Other packages add parts by entry points, see `plug_ins`. The grammar of a specification is the same
in Python and on the command line, see `parse`.
"""

import re
from dataclasses import MISSING, fields, is_dataclass
from inspect import getdoc
from typing import Any, NamedTuple, get_type_hints

from unsee.errors import InputError, unknown
from unsee.recipes import Recipe, recipe
from unsee.registry.grammar import (
    Spec,
    check_no_code,
    check_no_file,
    check_no_name,
    split,
)
from unsee.registry.grammar import split_words as split_words
from unsee.registry.kinds import base_class
from unsee.registry.names import available as available
from unsee.registry.names import name_of as name_of
from unsee.registry.names import packages_of as packages_of
from unsee.registry.names import part as part
from unsee.registry.names import usable_parts as usable_parts
from unsee.registry.settings import (
    SettingValue,
    as_setting,
    check_not_negative,
    field_docstrings,
    from_text,
    in_words,
)

NOT_NEGATIVE = ("methods", "infillers", "metrics", "cells")
"""Kinds of parts whose numbers are lengths, counts, weights or shares."""
SIGNED = ("level",)
"""Settings that may be below zero all the same: values of a map."""
UNNAMED = {"cells": "path"}
"""Setting that a value without a name sets, by kind; `weights` for others."""
RECIPE = "recipe:"
"""Prefix of a recipe's name where a method is expected."""


class Setting(NamedTuple):
    """One setting of a part, for lists and help texts."""

    name: str
    type: str
    default: str
    summary: str


def parse(kind: str, text: str) -> Spec:
    """Parse the specification of a part.

    The grammar is `NAME[:setting=value,...]` for methods, in-fillers, metrics and cells, and
    `NAME[:ARGUMENT][,setting=value,...]` for sources and data sets. An argument ends at the first
    comma that a setting follows. A value in quotes may have settings of its own:
    `mosaics:photos,classifier="file:m.pt,architecture=timm:resnet18"`. Elsewhere a value without a
    name sets `weights`, of cells `path`: `lama:big-lama.pt` is `lama:weights=big-lama.pt`. A
    classifier `package.module:function` is short for `factory:package.module:function`.

    A path with a comma before a setting's name is put in quotes: `file:"a,b=c.pt",trust=true`.

    Raises:
        InputError: There is no such part, or it takes no value without a name; or what would be
            read as settings, or as code, is part of the name of a file.
    """
    spec = split(text)
    is_ours = spec.name in available(kind)
    if kind == "sources":
        check_no_file(text)
        spec = spec if is_ours else _factory(spec)
        check_no_code(text, spec)
        return spec
    if kind == "datasets":
        if is_ours and spec.argument:
            check_no_file(text)
            check_no_name(text, text, f"for the folder of this name, use ./{text}")
        return spec
    setting = UNNAMED.get(kind, "weights")
    if is_ours:
        check_no_file(text, whole=False)
    if not spec.argument:
        return spec
    if setting not in _hints(part(kind, spec.name)):
        raise InputError(f"{text}: expected NAME:setting=value, got {spec.argument!r}")
    return Spec(spec.name, "", {setting: spec.argument, **spec.texts})


def _factory(spec: Spec) -> Spec:
    """Return the specification of `package.module:function`; that of a path stays as it is."""
    target = f"{spec.name}:{spec.argument}"
    if not spec.argument or re.search(r"[/\\]", target):
        return spec
    return Spec("factory", target, spec.texts)


def resolve(kind: str, spec: Any, /, **settings: Any) -> Any:
    """Return a part: an instance as it is, a specification as an instance.

    Args:
        kind: A key of `kinds.BASES`.
        spec: An instance, or a text as `parse` reads it. A method may be `recipe:NAME`, with or
            without settings; see `parts.resolve_parts` for its in-filler and measure. The argument
            of a source or a data set is not part of the instance.
        settings: Further settings, which override those of the text.

    Raises:
        InputError: There is no such part or setting, or a value is of the wrong type.
    """
    if not isinstance(spec, str):
        return _instance(kind, spec, settings)
    published = recipe_of(spec) if kind == "methods" else None
    if published is None:
        parsed = parse(kind, spec)
        base: dict[str, Any] = {"name": parsed.name}
    else:
        check_no_file(spec, whole=False)
        parsed, base = split(spec.removeprefix(RECIPE)), published.method
        if parsed.argument:
            raise InputError(f"{spec}: expected recipe:NAME:setting=value, got {parsed.argument!r}")
    return create(kind, **{**base, **_typed(kind, base["name"], parsed.texts), **settings})


def recipe_of(spec: object) -> Recipe | None:
    """Return the recipe that `recipe:NAME[:setting=value,...]` names, None for anything else."""
    if not isinstance(spec, str) or not spec.startswith(RECIPE):
        return None
    return recipe(split(spec.removeprefix(RECIPE)).name)


def create(kind: str, /, name: str, **settings: Any) -> Any:
    """Make a part by name: `create("methods", "fido", steps=100)`.

    Raises:
        InputError: There is no such part or setting, or a value is of the wrong type.
    """
    cls = part(kind, name)
    hints = _hints(cls)
    for setting in settings:
        _check_setting(name, setting, hints)
    values = {key: as_setting(name, key, hints[key], value) for key, value in settings.items()}
    instance = cls(**values)  # whose own messages say more
    if kind in NOT_NEGATIVE:
        _check_not_negative(name, values)
    return instance


def check_settings(instance: object) -> None:
    """Check the settings of an instance of a part, as `create` does.

    Raises:
        InputError: A value is of the wrong type, is not finite or is below zero.
    """
    if not is_dataclass(instance):
        return
    name, hints = name_of(instance), _hints(type(instance))
    values = {k: as_setting(name, k, hint, getattr(instance, k)) for k, hint in hints.items()}
    _check_not_negative(name, values)


def _check_not_negative(name: str, values: dict[str, Any]) -> None:
    for key, value in values.items():
        if key not in SIGNED:
            check_not_negative(name, key, value)


def summary(kind: str, name: str) -> str:
    """Return the first line of a part's docstring."""
    return (getdoc(part(kind, name)) or "").splitlines()[0]


def settings_about(kind: str, name: str) -> list[Setting]:
    """Return a part's settings with their types, defaults and documentation."""
    cls = part(kind, name)
    hints, docstrings = _hints(cls), field_docstrings(cls)
    return [
        Setting(
            field.name,
            in_words(hints[field.name]),
            "" if field.default is MISSING else str(field.default),
            docstrings.get(field.name, ""),
        )
        for field in fields(cls)
    ]


def trust_of(kind: str, spec: str | None, *, trust: bool) -> dict[str, Any]:
    """Return the setting `trust=True` for a part that has it, if the user trusts; else nothing.

    A part with this setting loads programs, which can run any code when they are loaded.
    """
    if not trust or spec is None:
        return {}
    name = split(spec).name if kind != "sources" else parse(kind, spec).name
    has_setting = name in available(kind) and "trust" in _hints(part(kind, name))
    return {"trust": True} if has_setting else {}


def settings_of(instance: object) -> dict[str, Any]:
    """Return a part as plain values: its name, then its settings."""
    values = {field.name: getattr(instance, field.name) for field in fields(instance)}  # type: ignore[arg-type]
    return {"name": name_of(instance), **values}


def _instance(kind: str, spec: object, settings: dict[str, Any]) -> object:
    base = base_class(kind)
    if not isinstance(spec, base):
        type_name = spec.__name__ if isinstance(spec, type) else type(spec).__name__
        received = type_name
        if isinstance(spec, type):
            received = f"the class {type_name}; make an instance: {type_name}()"
        raise InputError(f"expected the name or an instance of a {base.__name__}, got {received}")
    if settings:
        raise InputError(
            f"settings ({', '.join(settings)}) require a name, not an instance of {base.__name__}"
        )
    return spec


def _typed(kind: str, name: str, texts: dict[str, str]) -> dict[str, SettingValue]:
    """Return settings of a part, each converted to the type of its field."""
    hints = _hints(part(kind, name))
    for setting in texts:
        _check_setting(name, setting, hints)
    return {key: from_text(name, key, hints[key], text) for key, text in texts.items()}


def _check_setting(name: str, setting: str, hints: dict[str, Any]) -> None:
    if setting in hints:
        return
    if not hints:
        raise InputError(f"{name} has no settings, got {setting!r}")
    error = unknown(f"setting of {name}", setting, hints)
    choices = "" if all(hint in str(error) for hint in hints) else f" (of {', '.join(hints)})"
    raise InputError(f"{error}{choices}")


def _hints(cls: type[Any]) -> dict[str, Any]:
    """Return the types of a part's settings, in the order of its constructor."""
    hints = get_type_hints(cls)
    return {field.name: hints[field.name] for field in fields(cls)}
