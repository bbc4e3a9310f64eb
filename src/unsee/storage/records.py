"""Turn plain values of JSON and TOML files into dataclasses, with a check of every type."""

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import MISSING, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from unsee.errors import InputError

Record = TypeVar("Record")
MAX_INTEGER = 2**63
"""Integers beyond this are refused; other programs cannot hold them."""
MAX_SHOWN = 60
"""Characters of a wrong value in a message."""


def record(cls: type[Record], value: Any, source: object) -> Record:
    """Return a dataclass with the values of a mapping; unknown keys are ignored.

    Args:
        cls: A dataclass; its fields are numbers, texts, choices, other records, and tuples,
            dictionaries and unions of them.
        value: Content of a file: mappings, lists, texts, numbers, None.
        source: Path of the file, for messages.

    Raises:
        InputError: A key is missing, or a value is of another type or not accepted.
    """
    try:
        made: Record = _record(cls, value, "")
    except InputError as error:
        raise error.prefixed(source) from error
    return made


def check_types(instance: Any) -> None:
    """Raise `InputError` for a dataclass, made by a user, with a value of another type."""
    hints = get_type_hints(type(instance))
    for field in fields(instance):
        _convert(hints[field.name], getattr(instance, field.name), field.name)


def _record(cls: type[Any], value: Any, name: str) -> Any:
    if not isinstance(value, dict):
        raise _unexpected(name or "the content", "a mapping", value)
    hints, values = get_type_hints(cls), {}
    for field in fields(cls):
        key = f"{name}.{field.name}".lstrip(".")
        if field.name in value:
            values[field.name] = _convert(hints[field.name], value[field.name], key)
        elif field.default is MISSING and field.default_factory is MISSING:
            raise InputError(f"lacks {key}")
    return cls(**values)


def _convert(hint: Any, value: Any, name: str) -> Any:
    """Return a value as the type of its field has it."""
    if hint is Any:
        return value
    origin, inner = get_origin(hint), get_args(hint)
    if origin in COMPOUND:
        return COMPOUND[origin](inner, value, name)
    if isinstance(hint, type) and is_dataclass(hint):
        return _record(hint, value, name)
    return _scalar(hint, value, name)


def _union(inner: tuple[Any, ...], value: Any, name: str) -> Any:
    if value is None and NoneType in inner:
        return None
    *others, last = (member for member in inner if member is not NoneType)
    for hint in others:
        with suppress(InputError):
            return _convert(hint, value, name)
    return _convert(last, value, name)


def _items(inner: tuple[Any, ...], value: Any, name: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise _unexpected(name, "a list", value)
    hints = [inner[0]] * len(value) if inner[1:] == (Ellipsis,) else list(inner)
    if len(hints) != len(value):
        raise _unexpected(name, f"a list of {len(hints)}", value)
    pairs = zip(hints, value, strict=True)
    return tuple(_convert(hint, item, f"{name}[{i}]") for i, (hint, item) in enumerate(pairs))


def _choice(inner: tuple[Any, ...], value: Any, name: str) -> Any:
    if value not in inner:
        raise _unexpected(name, " or ".join(map(repr, inner)), value)
    return value


def _mapping(inner: tuple[Any, ...], value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _unexpected(name, "a mapping", value)
    return {str(key): _convert(inner[1], item, f"{name}.{key}") for key, item in value.items()}


COMPOUND = {
    Union: _union, UnionType: _union, Literal: _choice, tuple: _items, dict: _mapping,
}  # fmt: skip
"""Functions that convert values of types with parameters."""


def _scalar(hint: Any, value: Any, name: str) -> Any:
    words, accepts = SCALARS[hint]
    if not accepts(value):
        raise _unexpected(name, words, value)
    return hint(value)


def _is_integer(value: Any) -> bool:
    return type(value) is int and abs(value) < MAX_INTEGER


def _is_number(value: Any) -> bool:
    return _is_integer(value) or (type(value) is float and math.isfinite(value))


SCALARS: dict[Any, tuple[str, Callable[[Any], bool]]] = {
    bool: ("true or false", lambda value: type(value) is bool),
    int: ("an integer", _is_integer),
    float: ("a finite number", _is_number),
    str: ("a text", lambda value: type(value) is str),
}
"""Names of the types of scalars, and functions that recognise their values."""


def _unexpected(name: str, expected: str, value: Any) -> InputError:
    shown = repr(value) if isinstance(value, str | int | float) else f"a {type(value).__name__}"
    shown = shown if len(shown) <= MAX_SHOWN else f"{shown[:MAX_SHOWN]}..."
    return InputError(f"expected {name} to be {expected}, got {shown}")
