"""Hidden folders in which files are written before they get their names.

A command that is killed leaves its folder behind. The next command that writes to the same place
restores what was set aside in it, and removes it.
"""

import errno
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from unsee.storage.locks import open_to_lock

try:
    import fcntl
except ImportError:  # Windows: leavings are recognised by their age alone
    fcntl = None  # type: ignore[assignment]

PREFIX = ".unsee-"
"""First characters of the name of a workplace; the rest is a random number."""
NAME = re.compile(re.escape(PREFIX) + "[0-9a-f]{32}")
"""Names of workplaces; all others are the user's."""
LOCK, NEW, OLD, TRASH = "lock", "new", "old", "trash"
"""Content of a workplace: the lock of its process, what is being written, what is set aside under
its name, and what is no longer needed."""
MAX_AGE = 24 * 3600
"""Seconds after which a workplace without a lock counts as left behind."""


@contextmanager
def workplace(parent: Path) -> Iterator[Path]:
    """Yield the path of a new workplace in a folder; remove it when the block ends.

    What the block moved to `OLD` gets its name back, unless there is something new of that name.
    """
    folder = parent / f"{PREFIX}{uuid.uuid4().hex}"
    folder.mkdir(parents=True)
    lock = _locked(folder)
    try:
        yield folder
    finally:
        clear(folder)
        if lock is not None:
            os.close(lock)


def remove_leavings(parent: Path) -> None:
    """Clear the workplaces in a folder whose processes have ended, also by a kill.

    Those of running processes stay, on this machine and on others that share the folder.
    """
    folders: list[Path] = []
    with suppress(OSError):
        folders += filter(is_workplace, parent.iterdir())
    for folder in folders:
        with suppress(OSError):  # one that cannot be cleared stops the recovery of no other
            if folder.is_dir() and not folder.is_symlink():
                _clear_if_left(folder)


def replace(path: Path, place: Path, *, overwrite: bool) -> None:
    """Give what is written to `NEW` its final name; what had that name before is removed.

    The older result stays complete until then: a kill at any point leaves one of the two.

    Raises:
        FileExistsError: The new result is a folder, something has its name, and `overwrite` is
            false. Nothing is then moved.
    """
    new = place / NEW
    if new.is_file():
        new.replace(path)
        return
    if not overwrite:
        _rename_to_free_name(new, path)
        return
    if path.exists():
        set_aside(path, place)
    new.rename(path)


def set_aside(path: Path, place: Path) -> None:
    """Move what has a name into a workplace, which gives the name back unless it is replaced."""
    (place / OLD).mkdir(exist_ok=True)
    path.rename(place / OLD / path.name)


def _rename_to_free_name(new: Path, path: Path) -> None:
    """Rename a folder; the system refuses to replace a file, a link or a folder that is used."""
    try:
        new.rename(path)
    except OSError as error:
        if error.errno in {errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR} and os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from error
        raise


def clear(folder: Path) -> None:
    """Give names back to what was set aside and not replaced, and remove the workplace."""
    with suppress(OSError):
        if not (folder / OLD).is_symlink():  # a link would give names to files from elsewhere
            for old in (folder / OLD).iterdir():
                if not os.path.lexists(folder.parent / old.name):
                    old.rename(folder.parent / old.name)
        (folder / OLD).rename(folder / TRASH)  # never restored once it may be incomplete
    for name in (NEW, TRASH):
        shutil.rmtree(folder / name, ignore_errors=True)
        with suppress(OSError):
            (folder / name).unlink()
    with suppress(OSError):
        (folder / LOCK).unlink(missing_ok=True)
        folder.rmdir()  # fails if a name could not be given back: nothing is lost


def is_workplace(path: Path) -> bool:
    """Whether a path is named as a workplace."""
    return NAME.fullmatch(path.name) is not None


def _locked(folder: Path) -> int | None:
    """Return the open lock of a new workplace; None if the file system has no locks.

    The file gets its name when it is locked, so that no other process sees it without.
    """
    if fcntl is None:
        return None
    unnamed = folder / f"{LOCK}-"
    handle = os.open(unnamed, os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unnamed.rename(folder / LOCK)
    except OSError:
        os.close(handle)
        unnamed.unlink(missing_ok=True)
        return None
    return handle


def _clear_if_left(folder: Path) -> None:
    """Clear a workplace if its process has ended; the lock keeps other processes out."""
    if not {path.name for path in folder.iterdir()} <= {LOCK, f"{LOCK}-", NEW, OLD, TRASH}:
        return  # not ours
    if fcntl is None or not (folder / LOCK).exists():
        if time.time() - folder.stat().st_mtime > MAX_AGE:
            (folder / f"{LOCK}-").unlink(missing_ok=True)
            clear(folder)
        return
    handle = open_to_lock(folder / LOCK)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        clear(folder)
    except BlockingIOError:
        pass  # its process is running
    finally:
        os.close(handle)
