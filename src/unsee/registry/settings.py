"""Convert and check the values of settings by the types of their fields."""

import math
import os
import tomllib
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from numbers import Integral, Real
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from docstring_parser import parse_from_object

from unsee.errors import InputError, shown, unknown

SettingValue = bool | int | float | str | tuple[Any, ...] | None
"""Value of a setting."""
BOOLS = {"true": True, "false": False}


def from_text(part: str, setting: str, hint: Any, text: str) -> SettingValue:
    """Convert the text of a setting to the type of its field.

    Lists are separated by commas, with or without brackets: `mean=0.5,0.5,0.5`.

    Raises:
        InputError: The text is not of that type.
    """
    return _convert(part, setting, hint, text, _from_text)


def of_object(name: str, part: object, setting: str, text: str) -> SettingValue:
    """Convert a text to the type of a setting of a part.

    Args:
        name: Name of the part, for messages.
        part: The part, a dataclass.
        setting: Name of the setting.
        text: The value.

    Raises:
        InputError: The part has no such setting, or the text is not of its type.
    """
    hints = get_type_hints(type(part))
    names = [field.name for field in fields(part)]  # type: ignore[arg-type]
    if setting not in names:
        raise unknown(f"setting of {name}", setting, names)
    return from_text(name, setting, hints[setting], text)


def as_setting(part: str, setting: str, hint: Any, value: Any) -> Any:
    """Check a value of Python, TOML or JSON against the type of its field and return it.

    Lists become tuples, integers become floats where a float is expected, paths become strings.
    Types other than numbers, strings, choices and tuples of them are not checked.

    Raises:
        InputError: The value is not of that type.
    """
    return _convert(part, setting, hint, value, _from_value)


def check_not_negative(part: str, setting: str, value: Any) -> None:
    """Raise `InputError` for a number, or one of a tuple of numbers, that is below zero."""
    for number in value if isinstance(value, tuple) else (value,):
        if isinstance(number, int | float) and not number >= 0:
            raise InputError(f"{part}: expected {setting} >= 0, got {number}")


def untyped(text: str) -> Any:
    """Return the value of a setting whose type is not known: as in TOML, or the text itself."""
    try:
        return tomllib.loads(f"x = {text}")["x"]
    except tomllib.TOMLDecodeError:
        return text


def in_words(hint: Any) -> str:
    """Return a type as help texts and error messages write it."""
    inner, optional = _inner(hint)
    if optional:
        return f"{in_words(inner)} | none"
    if get_origin(inner) is Literal:
        return " | ".join(map(str, get_args(inner)))
    if get_origin(inner) in {Union, UnionType}:
        return " | ".join(map(in_words, get_args(inner)))
    if get_origin(inner) is tuple:
        return f"list of {in_words(get_args(inner)[0])}"
    return {bool: "true | false"}.get(inner, getattr(inner, "__name__", str(inner)))


def field_docstrings(cls: type[Any]) -> dict[str, str]:
    """Return the docstrings of a dataclass's fields, each in one line."""
    return {
        param.arg_name: " ".join((param.description or "").split())
        for base in reversed(cls.__mro__)
        if is_dataclass(base)
        for param in parse_from_object(base).params
    }


def _convert(
    part: str, setting: str, hint: Any, value: Any, convert: Callable[[Any, Any], Any]
) -> Any:
    inner, optional = _inner(hint)
    try:
        converted = None if optional and value is None else _first_that_fits(inner, value, convert)
    except (KeyError, OverflowError, TypeError, ValueError) as error:
        if get_origin(inner) is Literal:
            name = value if isinstance(value, str) else shown(value)
            raise unknown(f"{setting} of {part}", name, map(str, get_args(inner))) from error
        raise InputError(
            f"{part}: expected {setting} = {in_words(hint)}, got {shown(value)}"
        ) from error
    for number in converted if isinstance(converted, tuple) else (converted,):
        if isinstance(number, float) and not math.isfinite(number):
            raise InputError(f"{part}: expected a finite {setting}, got {number}")
    return converted


def _first_that_fits(hint: Any, value: Any, convert: Callable[[Any, Any], Any]) -> Any:
    """Return a value as its type or, of a union, as the first type that it can be converted to."""
    if get_origin(hint) not in {Union, UnionType}:
        return convert(hint, value)
    for member in get_args(hint):
        try:
            return convert(member, value)
        except (KeyError, OverflowError, TypeError, ValueError):
            continue
    raise ValueError(value)


def _from_text(inner: Any, text: str) -> SettingValue:
    if get_origin(inner) is Literal:
        return {str(choice): choice for choice in get_args(inner)}[unquoted(text)]
    if get_origin(inner) is tuple:
        items = text.strip("[]() ").split(",")
        return tuple(_from_text(get_args(inner)[0], item.strip()) for item in items if item.strip())
    if inner is bool:
        return BOOLS[text.lower()]
    if inner in {int, float}:
        return _bounded(inner(text))
    return unquoted(text)


def _from_value(inner: Any, value: Any) -> Any:
    if get_origin(inner) is Literal:
        if value not in get_args(inner):
            raise ValueError(value)
        return value
    if get_origin(inner) is tuple:
        if isinstance(value, str | bytes):
            raise TypeError(value)
        return tuple(_from_value(get_args(inner)[0], item) for item in value)
    if inner is str and isinstance(value, os.PathLike):
        return os.fspath(value)
    kinds: dict[Any, type] = {bool: bool, int: Integral, float: Real, str: str}
    if inner in kinds:
        number = inner in {int, float}
        if not isinstance(value, kinds[inner]) or (number and isinstance(value, bool)):
            raise TypeError(value)
        return _bounded(inner(value))
    return value


def _bounded(value: Any) -> Any:
    """Return a value; a whole number of more than 64 bits is of no use and of any length."""
    if isinstance(value, int) and abs(value) >= 2**63:
        raise OverflowError
    return value


def _inner(hint: Any) -> tuple[Any, bool]:
    """Return a type without None, and whether it had None."""
    if get_origin(hint) not in {Union, UnionType}:
        return hint, False
    members = [arg for arg in get_args(hint) if arg is not NoneType]
    optional = len(members) < len(get_args(hint))
    return (members[0] if len(members) == 1 else Union[tuple(members)]), optional  # noqa: UP007


def unquoted(text: str) -> str:
    """Return a text without the quotes around it."""
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    return text[1:-1] if quoted else text
