"""Standard streams that never end a command: of any encoding, closed, full or a broken pipe.

With `--json`, standard output has one JSON document in place of all text.
"""

import io
import json
import math
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from unsee.errors import DiskFullError, InputError, as_line, as_message, printable, reason
from unsee.output.table import Table

MIN_WIDTH = 40
"""Characters in a line of a table, in a narrower terminal too."""
MAX_NAME = 48
"""Characters of a name beside a progress bar."""


class Discarded(io.TextIOBase):
    """Takes the place of a standard stream that cannot be written, and drops what is written."""

    encoding = "utf-8"

    def __init__(self, error: Exception) -> None:
        self.error = error

    def write(self, text: str) -> int:
        """Drop the text."""
        return len(text)


def prepare_streams() -> None:
    """Escape what an encoding lacks, and replace streams that were closed before the start."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Discarded(OSError("closed")))
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@dataclass
class Document:
    """What a command prints with `--json`."""

    is_wanted: bool = False
    content: Any = field(default_factory=dict)
    """Values by name, or a list that is the whole document."""

    def add(self, values: Mapping[str, Any]) -> None:
        """Add values; a list continues an earlier one of its name."""
        for name, value in values.items():
            earlier = self.content.get(name)
            is_continued = isinstance(earlier, list) and isinstance(value, list)
            self.content[name] = [*earlier, *value] if is_continued else value

    def text(self) -> str:
        """Return the document in ASCII, which streams of all encodings can write."""
        return json.dumps(_plain(self.content), indent=2, allow_nan=False) + "\n"


_document = Document()


def collect_json() -> None:
    """Collect what follows in a JSON document, which is printed when the command ends."""
    _document.is_wanted = True


def set_document(content: list[Any]) -> bool:
    """Make a list the whole document; return whether there is one."""
    _document.content = content
    return _document.is_wanted


def print_document() -> None:
    """Print the JSON document now: of a command that runs until it is stopped."""
    if _document.is_wanted:
        _document.is_wanted = False
        _write("stdout", _document.text())


def say(text: str, **values: Any) -> None:
    """Write to standard output; if that fails, the rest of the output is dropped, not the work.

    With `--json`, `values` are added to the document in place of the text; without values, the
    text goes to standard error.
    """
    if not _document.is_wanted:
        _write("stdout", text)
    elif values:
        _document.add(values)
    else:
        _write("stderr", text)


def show_table(table: Table, **values: Any) -> None:
    """Print a table as wide as the terminal.

    With `--json`, `values` are added to the document in its place, or else its rows as `rows`.
    """
    if _document.is_wanted:
        _document.add(values or {"rows": table.values()})
        return
    terminal, text = Console(), io.StringIO()
    width = max(terminal.width, MIN_WIDTH)
    Console(file=text, width=width, force_terminal=terminal.is_terminal).print(table.terminal())
    say(text.getvalue())


def _plain(value: Any) -> Any:
    """Return values that JSON has; numbers that are not finite are None."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value


def print_error(error: InputError | str) -> None:
    """Print an error message in one line, in terms of the command line."""
    print_note(error.in_shell() if isinstance(error, InputError) else error)


def print_errors(errors: Sequence[InputError | str]) -> int:
    """Print the errors of what could not be done; return the exit status, 1 if there are any."""
    for error in errors:
        print_error(error)
    return 1 if errors else 0


def print_note(message: str) -> None:
    """Print one line to standard error."""
    _write("stderr", f"unsee: {as_line(message)}\n")


def _write(name: str, text: str) -> None:
    stream = getattr(sys, name)
    try:
        stream.write(text)
        stream.flush()
    except (OSError, ValueError) as error:  # ValueError: the stream was closed
        with suppress(OSError, ValueError):  # what is still in its buffer cannot be written either
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        setattr(sys, name, Discarded(error))


def status_of(command: Callable[[], int]) -> int:
    """Run a command and turn every error into one line and an exit status.

    Returns:
        Its exit status; 2 for an `InputError`, 130 if interrupted, 70 for an unexpected error, and
        1 where a disk or the memory is full, or the output cannot be written.
    """
    _document.is_wanted, _document.content = False, {}
    try:
        status = _with_document(command)
    except KeyboardInterrupt:
        print_note("stopped; finished results are kept")
        return 130
    except Exception as error:
        print_error(as_message(error))
        if isinstance(error, DiskFullError | MemoryError):
            return 1
        return 2 if isinstance(error, InputError) else 70
    return status or output_status()


def _with_document(command: Callable[[], int]) -> int:
    """Run a command and print its document, after an error or an interruption what is in it."""
    has_ended = False
    try:
        status = command()
        has_ended = True
        return status
    finally:
        if _document.is_wanted and (has_ended or _document.content):
            _write("stdout", _document.text())


def output_status() -> int:
    """Return 1, with a message, if standard output could not be written."""
    _write("stdout", "")
    stream = sys.stdout
    if not isinstance(stream, Discarded):
        return 0
    if not isinstance(stream.error, BrokenPipeError):  # a reader may have enough, as `head` does
        why = getattr(stream.error, "strerror", None) or reason(stream.error)
        print_note(f"standard output cannot be written ({why})")
    return 1


def short(name: str) -> str:
    """Return a name for a progress bar or a table: one line, of a bounded length."""
    name = printable(name)
    end = MAX_NAME // 3  # a number or a suffix tells similar names apart
    return name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 1 - end]}…{name[-end:]}"
