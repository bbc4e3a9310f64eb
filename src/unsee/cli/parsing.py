"""Parse the options of a command: a frozen dataclass, read once by tyro."""

import io
import re
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import MISSING, Field, fields, is_dataclass, replace
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

import tyro
from tyro.constructors import (
    MISSING_NONPROP,
    ConstructorRegistry,
    PrimitiveConstructorSpec,
    PrimitiveTypeInfo,
    StructConstructorSpec,
    StructFieldSpec,
    StructTypeInfo,
)

from unsee.cli.console import collect_json, output_status, say
from unsee.errors import InputError, reason
from unsee.registry.settings import field_docstrings

Options = TypeVar("Options")
NONE = "none"
"""Notation of an absent value, in help texts and on the command line."""
REGISTRY = ConstructorRegistry()
"""Rules for reading values and naming them in help texts, in place of tyro's own."""
JSON = StructFieldSpec(
    name="json",
    type=Annotated[bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(help_behavior_hint="")],  # type: ignore[arg-type]
    default=False,
    helptext="Print one JSON document in place of text; notes and errors stay on standard error.",
)
"""Option of every command."""


class _ForTerminal(io.StringIO):
    """Text in memory, with the colours and frames that standard output has."""

    def __init__(self) -> None:
        super().__init__()
        self._stream = sys.stdout

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Encoding of standard output."""
        return self._stream.encoding

    def isatty(self) -> bool:
        """Return whether standard output is a terminal."""
        return self._stream.isatty()


def parse(
    options: type[Options], arguments: list[str], prog: str, default: Options | None = None,
    *, opposites: bool = False,
) -> Options:  # fmt: skip
    """Parse the arguments of a command; `--json` makes the console collect what it prints.

    Help is printed and ends the program, as tyro does it.

    Args:
        options: A frozen dataclass; its docstrings are the help texts.
        arguments: Words of the command line after the command.
        prog: Name of the command in help texts: "unsee explain".
        default: Values of the options that are not given.
        opposites: Whether each switch has an opposite, such as `--no-correct`, since its default
            may come from a file.

    Raises:
        InputError: An option is unknown, missing, or has a value of another type.
    """
    text, errors, wants_json = _ForTerminal(), io.StringIO(), False
    registry = ConstructorRegistry()

    @registry.struct_rule
    def command(info: StructTypeInfo) -> StructConstructorSpec | None:
        if info.type is not options:
            return None

        def instantiate(json: bool, **values: Any) -> Options:
            nonlocal wants_json
            wants_json = json
            return options(**values)

        spec = _options_of(info)
        return replace(spec, instantiate=instantiate, fields=(*spec.fields, JSON))

    try:
        with redirect_stdout(text), redirect_stderr(errors), REGISTRY:
            parsed: Options = tyro.cli(  # type: ignore[assignment]  # never None
                options,
                prog=prog,
                args=arguments,
                default=default,
                registry=registry,
                config=() if opposites else (tyro.conf.FlagCreatePairsOff,),
            )
            if wants_json:
                collect_json()
            return parsed
    except SystemExit as stopped:
        if not stopped.code:
            say(text.getvalue())
            raise SystemExit(output_status()) from None
        if isinstance(stopped.__context__, InputError):
            raise stopped.__context__ from None
        raise InputError(_one_line(errors.getvalue(), prog)) from None


def _one_line(message: str, prog: str) -> str:
    """Return the message in the box that tyro prints."""
    rows = message.splitlines()[1:-1]  # without the frame and its title
    lines = [re.sub(r"[-─]{3,}", "", row.strip(" |│")).strip() for row in rows]
    text = " ".join(filter(None, lines)).partition("For full helptext")[0]
    text = text.partition("Argument helptext")[0].strip()
    text = re.sub(r"^Missing from [^:]*:", "expected", text).removesuffix(" (required)")
    text = text.replace("Unrecognized options", "unknown options")
    if text.startswith("unknown options") and "--" in text and "Perhaps" not in text:
        text += "; settings of a part are given with its name, as in rise:samples=200"
    return f"{text.rstrip('.')}; see {prog} --help"


@REGISTRY.struct_rule
def _dataclass(info: StructTypeInfo) -> StructConstructorSpec | None:
    return _options_of(info) if is_dataclass(info.type) else None


def _options_of(info: StructTypeInfo) -> StructConstructorSpec:
    """Return an option for each field of a dataclass, with its docstring as help text."""
    hints = get_type_hints(info.type, include_extras=True)
    docstrings = field_docstrings(info.type)
    options = [
        StructFieldSpec(
            name=field.name,
            type=_without_default(hints[field.name], field),
            default=(
                getattr(info.default, field.name)
                if isinstance(info.default, info.type)
                else _default(field)
            ),
            helptext=docstrings.get(field.name),
        )
        for field in fields(info.type)
    ]
    return StructConstructorSpec(instantiate=info.type, fields=tuple(options))


def _default(field: Field[Any]) -> object:
    """Return the default of an option."""
    if field.default is not MISSING:
        return field.default
    return field.default_factory() if field.default_factory is not MISSING else MISSING_NONPROP


def _without_default(hint: Any, field: Field[Any]) -> Any:
    """Omit the defaults of switches, None and empty values from the help text."""
    described = any(hasattr(note, "help_behavior_hint") for note in get_args(hint)[1:])
    if described or field.default is MISSING or (field.default and field.default is not True):
        return hint
    if isinstance(field.default, (int, float)) and not isinstance(field.default, bool):
        return hint
    return Annotated[hint, tyro.conf.arg(help_behavior_hint="")]


@REGISTRY.primitive_rule
def _optional(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[object] | None:
    """Read `X | None` as X or `none`, and name it as X in help texts."""
    inner = [kind for kind in get_args(info.type) if kind is not NoneType]
    if get_origin(info.type) not in {Union, UnionType} or len(inner) != 1:
        return None
    spec = ConstructorRegistry.get_primitive_spec(PrimitiveTypeInfo.make(inner[0], info.markers))
    if not isinstance(spec, PrimitiveConstructorSpec) or spec.nargs != 1:
        return None
    return replace(
        spec,
        instance_from_str=lambda words: None if words == [NONE] else spec.instance_from_str(words),
        is_instance=lambda value: value is None or spec.is_instance(value),
        str_from_instance=lambda value: [NONE] if value is None else spec.str_from_instance(value),
        choices=None if spec.choices is None else (*spec.choices, NONE),
    )


@REGISTRY.primitive_rule
def _text(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[str] | None:
    """Name a string TEXT, and an empty one `none`."""
    if info.type is not str:
        return None
    return PrimitiveConstructorSpec(
        nargs=1,
        metavar="TEXT",
        instance_from_str=lambda words: words[0],
        is_instance=lambda value: isinstance(value, str),
        str_from_instance=lambda value: [value or NONE],
    )


@REGISTRY.primitive_rule
def _path(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Path] | None:
    """Refuse a path that cannot exist."""
    if info.type is not Path:
        return None
    return PrimitiveConstructorSpec(
        nargs=1,
        metavar="PATH",
        instance_from_str=lambda words: _possible(words[0]),
        is_instance=lambda value: isinstance(value, Path),
        str_from_instance=lambda value: [str(value)],
    )


def _possible(word: str) -> Path:
    """Return a path; raise `InputError` for an empty one, or one that no system call takes."""
    if not word:
        raise InputError("expected a path, got an empty text")
    try:
        Path(word).lstat()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        pass
    except (OSError, ValueError) as error:  # ValueError: a null character
        why = error.strerror if isinstance(error, OSError) else reason(error)
        raise InputError(f"{word}: cannot be a path ({why})") from error
    return Path(word)


@REGISTRY.primitive_rule
def _several(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[tuple[object, ...]] | None:
    """Read words as a tuple, and name it `X ...` in help texts."""
    if info.type_origin is not tuple or get_args(info.type)[1:] != (Ellipsis,):
        return None
    inner = PrimitiveTypeInfo.make(get_args(info.type)[0], info.markers)
    spec = ConstructorRegistry.get_primitive_spec(inner)
    if not isinstance(spec, PrimitiveConstructorSpec) or spec.nargs != 1:
        return None

    def texts(values: Sequence[object]) -> list[str]:
        return [word for value in values for word in spec.str_from_instance(value)] or [NONE]

    return PrimitiveConstructorSpec(
        nargs="*",
        metavar=f"{spec.metavar} ...",
        instance_from_str=lambda words: tuple(spec.instance_from_str([word]) for word in words),
        is_instance=lambda value: isinstance(value, tuple) and all(map(spec.is_instance, value)),
        str_from_instance=texts,
        choices=spec.choices,
    )
