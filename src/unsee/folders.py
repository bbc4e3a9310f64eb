"""Result folders that are written completely or not at all, and the cache folder."""

import errno
import itertools
import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import platformdirs

from unsee.errors import DiskFullError, InputError

MANIFEST = "manifest.json"
"""Name of the file that marks a result folder as complete."""
WRITTEN = "files"
"""Key of a manifest: the names of the files that belong to the result."""
MAX_NAME = 100
"""Characters of the name of a result folder, before its number."""


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

    If the block raises, the temporary folder is removed and `folder` stays as it was.

    Raises:
        InputError: The folder exists (see `check_new`) or cannot be written.
        DiskFullError: There is no disk space left.
    """
    folder = Path(folder)
    check_new(folder, overwrite=overwrite)
    unfinished = folder.with_name(f".{folder.name}.{os.getpid()}.unfinished")
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        yield unfinished
        _replace(folder, unfinished)
    except OSError as error:
        raise _write_error(folder, error) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _replace(folder: Path, finished: Path) -> None:
    """Give a finished folder its name; an older result stays complete until it is replaced."""
    if not folder.exists():
        finished.rename(folder)
        return
    replaced = folder.with_name(f".{folder.name}.{os.getpid()}.replaced")
    folder.rename(replaced)
    try:
        finished.rename(folder)
    except OSError:
        replaced.rename(folder)
        raise
    shutil.rmtree(replaced, ignore_errors=True)


def result_folders(paths: Sequence[Path], out: Path) -> list[Path]:
    """Return a folder in `out` for the result of each file, named after the file.

    Names are unique, also on file systems that ignore case, and never lead out of `out`: leading
    dots are dropped, and characters that a file system may refuse are replaced.
    """
    taken: set[str] = set()
    folders = []
    for path in paths:
        stem = re.sub(r"[^\w .()+,=@-]", "_", path.stem).strip(" .")[:MAX_NAME] or "photo"
        names = itertools.chain([stem], (f"{stem}-{number}" for number in itertools.count(2)))
        name = next(name for name in names if name.casefold() not in taken)
        taken.add(name.casefold())
        folders.append(out / name)
    return folders


def _write_error(folder: Path, error: OSError) -> InputError:
    kind = DiskFullError if error.errno in {errno.ENOSPC, errno.EDQUOT} else InputError
    return kind(f"{folder}: cannot be written ({error.strerror or error})")


def check_new(folder: Path, *, overwrite: bool) -> None:
    """Raise `InputError` for a folder that exists, unless it is a result and may be overwritten."""
    if folder.exists() and not overwrite:
        raise InputError(
            f"{folder}: exists already; choose another folder, or overwrite it: {{overwrite}}",
            overwrite=True,
        )
    if folder.is_dir() and (foreign := _foreign_files(folder)):
        names = ", ".join(foreign[:3]) + (", ..." if len(foreign) > 3 else "")
        raise InputError(
            f"{folder}: holds files that unsee did not write ({names}); it is not overwritten"
        )
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file, expected a folder")


def _foreign_files(folder: Path) -> list[str]:
    """Return the names of what is in a folder and not listed in its manifest."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        listed = {*manifest[WRITTEN], MANIFEST}
    except (OSError, ValueError, KeyError, TypeError):
        listed = set()
    return sorted(path.name for path in folder.iterdir() if path.name not in listed)


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Write `manifest.json`, the last file of a result, which marks it as complete.

    It lists the files of the folder, so that overwriting removes no others.
    """
    written = {WRITTEN: sorted(path.name for path in folder.iterdir())}
    text = json.dumps({**manifest, **written}, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")
