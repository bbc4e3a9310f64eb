"""Read files that a user names: regular files, of bounded size, as text in a declared encoding."""

import codecs
import io
import json
import os
import re
import stat
import tomllib
import zipfile
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from unsee.errors import InputError, as_input_error, reason

MAX_BYTES = 2**28
"""Size of the largest file that is read as a whole, by default: 256 MiB."""
MAX_TEXT_BYTES = 2**28
"""Size of the largest text file."""
MAX_TOML_BYTES = 2**20
"""Size of the largest TOML file."""
MAX_KEY_DOTS = 100
"""Dots in a dotted key of TOML; the parser keeps each part with all before it."""
MAX_DIGITS = 6
"""Digits of the largest index."""

BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Encodings by the bytes with which a file declares them."""


def check_file(path: str | Path, description: str = "file") -> Path:
    """Return a path to a regular file; a named pipe or a device is refused, not opened.

    Raises:
        InputError: There is no such file, or it is something else.
    """
    path = Path(path)
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:  # ValueError: a null character
        if isinstance(error, FileNotFoundError | NotADirectoryError):
            raise InputError(f"{path}: no such {description}") from error
        raise InputError(f"{path}: cannot be read ({_why(error)})") from error
    if stat.S_ISDIR(mode):
        raise InputError(f"{path}: is a folder, expected a {description}")
    if not stat.S_ISREG(mode):
        raise InputError(f"{path}: is a device or a pipe, expected a {description}")
    return path


def exists(path: str | Path) -> bool:
    """Return whether there is something at a path; False for one that cannot be looked up."""
    return _mode(path) is not None


def is_file(path: str | Path) -> bool:
    """Return whether there is a regular file; a path that cannot exist is no file."""
    return stat.S_ISREG(_mode(path) or 0)


def is_folder(path: str | Path) -> bool:
    """Return whether there is a folder; a path that cannot exist is no folder."""
    return stat.S_ISDIR(_mode(path) or 0)


def _mode(path: str | Path) -> int | None:
    try:
        return Path(path).stat().st_mode
    except (OSError, ValueError):  # a name that is too long, no permission, a null character
        return None


def open_binary(
    path: str | Path, description: str = "file", limit: int = MAX_BYTES
) -> io.BufferedIOBase:
    """Open a regular file of at most `limit` bytes for reading; the caller closes it.

    Raises:
        InputError: It cannot be opened, is something else than a file, or is too large.
    """
    path = check_file(path, description)
    try:
        size = path.stat().st_size
        if size > limit:
            raise InputError(f"{path}: {size:,} bytes are more than the {limit:,} allowed")
        # a file of /proc has no size, and reading it may wait for ever
        return path.open("rb") if size else io.BytesIO()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({_why(error)})") from error


def read_bytes(path: str | Path, limit: int = MAX_BYTES, description: str = "file") -> bytes:
    """Return the content of a regular file.

    Raises:
        InputError: It cannot be read, or has more than `limit` bytes.
    """
    try:
        with open_binary(path, description, limit) as file:
            return file.read(limit)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({_why(error)})") from error


def read_text(path: str | Path, description: str = "file", limit: int = MAX_TEXT_BYTES) -> str:
    """Return the text of a file in UTF-8, or in UTF-16 with a byte order mark.

    Raises:
        InputError: It cannot be read, or is in another encoding.
    """
    return decode_text(read_bytes(path, limit, description), path)


def write_text(path: Path, text: str) -> None:
    """Write a text in UTF-8; lone surrogates, of names that are not UTF-8, are escaped."""
    path.write_text(text, encoding="utf-8", errors="backslashreplace")


def decode_text(content: bytes, source: object) -> str:
    """Return text as `read_text` does; `source` is used in messages."""
    marks = (name for mark, name in BYTE_ORDER_MARKS.items() if content.startswith(mark))
    try:
        return content.decode(next(marks, "utf-8"))
    except UnicodeDecodeError as error:
        raise InputError(
            f"{source}: not UTF-8 text (byte {error.start}); save it with the encoding UTF-8"
        ) from error


def read_json(path: str | Path, description: str = "file", limit: int = MAX_TEXT_BYTES) -> Any:
    """Return the content of a JSON file; raise `InputError` if it cannot be read or parsed."""
    return parse_json(read_text(path, description, limit), path)


def parse_index(text: str, source: object) -> int:
    """Return a number from 0 to 999 999 in ASCII digits, such as the index of a class.

    Raises:
        InputError: The text is something else: a sign, a superscript, thousands of digits.
    """
    if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS:
        return int(text)
    shown = text if len(text) <= 40 else f"{text[:40]}..."
    raise InputError(f"{source}: expected a number from 0 to {10**MAX_DIGITS - 1}, got {shown!r}")


def parse_json(text: str, source: object) -> Any:
    """Return the content of a JSON text; `source` is used in messages."""
    with as_input_error(f"{source}: not JSON that can be read"):
        return json.loads(text)  # RecursionError and numbers of 5000 digits, too


def read_toml(path: str | Path, description: str = "file") -> dict[str, Any]:
    """Return the content of a TOML file; raise `InputError` if it cannot be read or parsed."""
    text = read_text(path, description, MAX_TOML_BYTES)
    if any(part.count(".") > MAX_KEY_DOTS for part in re.split(r"[\n,=\[\]]", text)):
        raise InputError(f"{path}: a key has more than {MAX_KEY_DOTS} parts")
    with as_input_error(f"{path}: not TOML that can be read"):
        return tomllib.loads(text)


def check_relative(name: str, source: object) -> str:
    """Return a file's name that annotations give; it must stay inside the data set's folder.

    Raises:
        InputError: The name is absolute, or leads upwards.
    """
    parts = PurePosixPath(name.replace("\\", "/")).parts
    absolute = (
        name.startswith(("/", "\\")) or Path(name).is_absolute() or PureWindowsPath(name).drive
    )
    if not name or "\0" in name or absolute or ".." in parts:
        raise InputError(f"{source}: the file name {name!r} leads out of the data set")
    return name


def read_member(
    archive: zipfile.ZipFile, name: str, source: object, limit: int | None = None
) -> bytes:
    """Return the content of a file in a zip archive, of at most `limit` bytes, or `MAX_BYTES`.

    Raises:
        InputError: There is no such file, it is encrypted, damaged or too large.
    """
    with as_input_error(f"{source}: {name} cannot be read"):
        size, limit = archive.getinfo(name).file_size, limit or MAX_BYTES
        if size > limit:
            raise InputError(
                f"{source}: {name} has {size:,} bytes, more than the {limit:,} allowed"
            )
        with archive.open(name) as member:
            return member.read(size)


def _why(error: Exception) -> str:
    return (isinstance(error, OSError) and os.strerror(error.errno or 0)) or reason(error)
