"""Result folders that are written completely or not at all, and the cache folder."""

import errno
import hashlib
import itertools
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import platformdirs

from unsee.errors import DiskFullError, InputError, TakenError, as_input_error
from unsee.storage.files import MAX_TEXT_BYTES, read_bytes, read_json
from unsee.storage.workplace import (
    NEW,
    is_workplace,
    remove_leavings,
    replace,
    set_aside,
    workplace,
)

MANIFEST = "manifest.json"
"""Name of the file that marks a result folder as complete."""
WRITTEN = "written_by_unsee"
"""Key of a manifest: the files that belong to the result, with their SHA-256."""
NO_DIGEST = b"0" * 64
"""In place of its own digest in the content of which a manifest holds the digest."""
RESERVED = re.compile(r"(?i)(con|prn|aux|nul|(com|lpt)[\d¹²³]) *(\.|$)")
"""Names that Windows keeps for devices."""


def cache_folder() -> Path:
    """Return the folder for downloaded weights and measured batch sizes; it need not exist.

    This is `$UNSEE_CACHE` where that is set, else the platform's cache folder of the user.
    """
    if folder := os.environ.get("UNSEE_CACHE"):
        return Path(folder)
    return platformdirs.user_cache_path("unsee", appauthor=False)


@contextmanager
def new_folder(folder: str | Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Yield an empty temporary folder and rename it to `folder` once the block has finished.

    If the block raises, the temporary folder is removed and `folder` stays as it was. A process
    that is killed leaves `folder` as it was or complete; the next call removes what else it left.

    Raises:
        TakenError: The folder exists (see `check_new`), also if another process has made it in
            the meantime.
        InputError: It cannot be written.
        DiskFullError: There is no disk space left.
    """
    path = place_of(folder)
    _check_new(folder, path, overwrite=overwrite)
    with _new(folder, path, overwrite=overwrite) as unfinished:
        unfinished.mkdir()
        yield unfinished
        if overwrite:
            _refuse_file(folder, path)
            if place_of(folder) != path:
                raise TakenError(f"{folder}: has become a link; the new result is not written")
        _refuse_foreign(folder, path)  # what the user has put there in the meantime


@contextmanager
def new_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path for a file that replaces `path` once the block has finished.

    Raises:
        InputError: The file cannot be written.
        DiskFullError: There is no disk space left.
    """
    with _new(path, place_of(path), overwrite=True) as unfinished:
        yield unfinished


def create_file(path: Path, content: bytes) -> bool:
    """Write a complete file; if several processes do so at once, the first file stays.

    Returns whether it is that of this process.
    """
    with write_errors(path), workplace(path.parent) as place:
        (place / NEW).write_bytes(content)
        try:
            os.link(place / NEW, path)
        except FileExistsError:
            return False
        except OSError:  # the file system has no hard links
            (place / NEW).replace(path)
    return True


@contextmanager
def _new(named: object, path: Path, *, overwrite: bool) -> Iterator[Path]:
    with write_errors(named), workplace(path.parent) as place:
        yield place / NEW
        try:
            replace(path, place, overwrite=overwrite)
        except FileExistsError as error:
            raise TakenError(
                f"{named}: was made by another command in the meantime; the new result is not "
                "written; choose another folder, or overwrite it: {overwrite}",
                overwrite=True,
            ) from error


def place_of(path: str | Path) -> Path:
    """Return the one absolute path that is checked and written where a user names a path.

    Links in its parent are followed as the system does, so that `link/../name` lies beside the
    target of the link, and so is a link to a folder in place of the last part: the result behind
    it is replaced, not the link. Another link in that place is kept.

    Raises:
        InputError: A folder above is a link to nothing.
    """
    with write_errors(path):
        whole = Path(path)
        for folder in whole.parents:
            if folder.is_symlink() and not folder.exists():
                raise InputError(f"{path}: {folder} is a link to nothing, expected a folder")
        if whole.name in {"", ".."} or (whole.is_symlink() and whole.is_dir()):
            return Path(os.path.realpath(whole))
        return Path(os.path.realpath(whole.parent)) / whole.name


def next_free(folder: Path) -> Path:
    """Return the first of `FOLDER-2`, `FOLDER-3`, ... that does not exist."""
    named = place_of(folder) if folder.name in {"", ".."} else folder
    names = (f"{named.name}-{number}" for number in itertools.count(2))
    return next(free for name in names if not os.path.lexists(free := named.with_name(name)))


@contextmanager
def write_errors(path: object) -> Iterator[None]:
    """Turn errors of the disk in the block into an `InputError` that names the path."""
    try:
        yield
    except OSError as error:
        kind = DiskFullError if error.errno in {errno.ENOSPC, errno.EDQUOT} else InputError
        raise kind(f"{path}: cannot be written ({error.strerror or error})") from error
    except ValueError as error:
        if isinstance(error, InputError) or "embedded null" not in str(error):
            raise
        raise InputError(f"{path}: cannot be written (null character)") from error


def check_new(folder: Path, *, overwrite: bool) -> None:
    """Raise `TakenError` for a folder that exists, unless it is a result and may be overwritten.

    What a killed command left at this place is restored or removed first. A folder that would be
    replaced is moved, and moved back: that a mounted folder cannot be moved must be noticed before
    the result is computed.
    """
    path = place_of(folder)
    _check_new(folder, path, overwrite=overwrite)
    with write_errors(folder):
        if not path.is_dir():
            return
        with workplace(path.parent) as place:
            _set_aside(folder, path, place)


def _set_aside(named: object, path: Path, place: Path) -> None:
    try:
        set_aside(path, place)
    except OSError as error:
        raise InputError(
            f"{named}: cannot be replaced ({error.strerror or error}), as a mounted folder cannot; "
            "choose a folder in it"
        ) from error


def _check_new(named: object, folder: Path, *, overwrite: bool) -> None:
    check_name(folder)
    with write_errors(named):
        remove_leavings(folder.parent)
        exists = folder.exists()  # fails for a name that is too long
    if exists and not overwrite:
        raise TakenError(
            f"{named}: exists already; choose another folder, or overwrite it: {{overwrite}}",
            overwrite=True,
        )
    if folder.is_symlink() and not folder.exists():
        raise TakenError(f"{named}: is a link to nothing, expected a folder")
    _refuse_file(named, folder)
    _refuse_foreign(named, folder)


def check_name(folder: Path) -> None:
    """Raise `InputError` for a result that is named as a workplace, or is in a folder named so."""
    if is_workplace(folder) or is_workplace(folder.parent):
        raise InputError(f"{folder}: expected another name than that of a hidden folder of unsee")


def _refuse_file(named: object, folder: Path) -> None:
    if os.path.lexists(folder) and not folder.is_dir():
        raise TakenError(f"{named}: is a file, expected a folder")


def _refuse_foreign(named: object, folder: Path) -> None:
    if folder.is_dir() and (foreign := _foreign_files(folder)):
        names = ", ".join(foreign[:3]) + (", ..." if len(foreign) > 3 else "")
        raise TakenError(
            f"{named}: holds files that unsee did not write ({names}); it is not overwritten"
        )


def _foreign_files(folder: Path) -> list[str]:
    """Return the names of what is in a folder and not as its manifest lists it."""
    try:
        listed = {MANIFEST: None, **read_json(folder / MANIFEST)[WRITTEN]}
    except (InputError, KeyError, TypeError):
        listed = {}
    return sorted(p.name for p in folder.iterdir() if not _is_as_written(p, listed))


def _is_as_written(path: Path, listed: dict[str, Any]) -> bool:
    if path.name == MANIFEST and MANIFEST in listed:
        own = listed[MANIFEST]  # None in results of earlier versions
        return own is None or (isinstance(own, str) and own == _digest_without(own, path))
    return path.name in listed and path.is_file() and _digest(path) == listed[path.name]


def _digest_without(own: str, manifest: Path) -> str:
    """Return the digest of a manifest with `NO_DIGEST` in place of the digest in it."""
    content = read_bytes(manifest, MAX_TEXT_BYTES)
    whole = content.replace(own.encode(), NO_DIGEST) if len(own) == len(NO_DIGEST) else content
    return hashlib.sha256(whole).hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Write `manifest.json`, the last file of a result, which marks it as complete.

    It lists the files of the folder and their content, so that overwriting removes no others. Its
    own digest is that of its content with `NO_DIGEST` in place of the digest.
    """
    files = sorted(path for path in folder.iterdir() if path.is_file())
    written = {path.name: _digest(path) for path in files} | {MANIFEST: NO_DIGEST.decode()}
    content = json_bytes({**manifest, WRITTEN: written}, folder)
    key = json.dumps(MANIFEST).encode() + b": "
    own = json.dumps(hashlib.sha256(content).hexdigest()).encode()
    content = content.replace(key + b'"' + NO_DIGEST + b'"', key + own)
    (folder / MANIFEST).write_bytes(content)


def json_bytes(content: dict[str, Any], source: object) -> bytes:
    """Return the JSON of plain values; `source` is used in messages.

    Raises:
        InputError: A value is not plain, or is not a finite number.
    """
    with as_input_error(f"{source}: the manifest has a value that JSON cannot hold"):
        text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
        # lone surrogates stand for bytes of names that are not UTF-8; JSON has a notation for them
        return (text + "\n").encode("utf-8", "backslashreplace")
