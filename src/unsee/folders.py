"""Result folders that are written whole or not at all, and the cache folder."""

import errno
import json
import os
import shutil
from pathlib import Path
from typing import Any

import platformdirs

from unsee.errors import DiskFullError, InputError

MANIFEST = "manifest.json"


def cache_folder() -> Path:
    """Return the folder for downloaded weights and measured batch sizes; it need not exist.

    This is `$UNSEE_CACHE` where that is set, else the platform's cache folder of the user.
    """
    if folder := os.environ.get("UNSEE_CACHE"):
        return Path(folder)
    return platformdirs.user_cache_path("unsee", appauthor=False)


class new_folder:  # noqa: N801  # used like a function
    """A folder that appears under its name only when everything in it has been written."""

    def __init__(self, folder: str | Path, *, overwrite: bool = False) -> None:
        self.folder = Path(folder)
        self.unfinished = self.folder.with_name(f".{self.folder.name}.{os.getpid()}.unfinished")
        self.overwrite = overwrite

    def __enter__(self) -> Path:
        check_new(self.folder, overwrite=self.overwrite)
        try:
            shutil.rmtree(self.unfinished, ignore_errors=True)
            self.unfinished.mkdir(parents=True)
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        return self.unfinished

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: Any
    ) -> None:
        if kind is None:
            if self.folder.exists():
                shutil.rmtree(self.folder)
            self.unfinished.rename(self.folder)
            return
        shutil.rmtree(self.unfinished, ignore_errors=True)
        if isinstance(error, OSError):
            raise _unwritable(self.folder, error) from error


def _unwritable(folder: Path, error: OSError) -> InputError:
    kind = DiskFullError if error.errno in {errno.ENOSPC, errno.EDQUOT} else InputError
    return kind(f"{folder}: cannot be written ({error.strerror or error})")


def check_new(folder: Path, *, overwrite: bool) -> None:
    """Refuse a result folder that exists, unless it may be overwritten."""
    if folder.exists() and not overwrite:
        raise InputError(f"{folder}: exists already; choose another --out or pass --overwrite")
    if folder.exists() and not (folder / MANIFEST).is_file() and any(folder.iterdir()):
        raise InputError(f"{folder}: exists and is not a result of unsee; it is not overwritten")


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Write the file that says that a result is complete."""
    text = json.dumps(manifest, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")
