"""Locks by which processes know of each other in a folder that several may write to."""

import os
import time
import weakref
from contextlib import suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: a file that a process has open cannot be removed
    fcntl = None  # type: ignore[assignment]

PAUSE = 0.02
"""Seconds between two attempts to take a lock."""
WAIT = 5.0
"""Seconds in which another process is expected to have removed a folder."""


def open_to_lock(path: Path, *, create: bool = False) -> int:
    """Open a file, which may be another user's; links are not followed, pipes not waited for.

    `create` makes an empty file where there is none; what a file holds stays. Some file systems
    of networks lock only what is open for writing.
    """
    flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        return os.open(path, os.O_RDWR | flags | (os.O_CREAT if create else 0), 0o666)
    except PermissionError:
        return os.open(path, os.O_RDONLY | flags)


class Sharing:
    """The share of a process in a folder: a lock on the file that marks it, until `close`.

    Where files cannot be locked, a process never counts as alone.
    """

    def __init__(self, mark: Path, handle: int | None) -> None:
        self._mark, self._handle = mark, handle
        self._release = weakref.finalize(self, _close, handle)

    @classmethod
    def join(cls, mark: Path) -> "Sharing | None":
        """Take a share; None if there is no such file, since another process has removed it."""
        try:
            return cls._taken(mark, exclusive=False, patience=WAIT)
        except BlockingIOError:
            return cls(mark, None)

    @classmethod
    def hold(cls, mark: Path) -> "Sharing | None":
        """Take the only share, so that others wait; None if there is no such file.

        Raises:
            BlockingIOError: Another process has a share.
        """
        return cls._taken(mark, exclusive=True, patience=10 * PAUSE)

    @classmethod
    def _taken(cls, mark: Path, *, exclusive: bool, patience: float) -> "Sharing | None":
        try:
            sharing = cls(mark, open_to_lock(mark))
        except FileNotFoundError:
            return None
        except OSError:
            return cls(mark, None)
        try:
            if not sharing._lock(exclusive=exclusive, patience=patience):
                sharing.close()
                return cls(mark, None)
        except BlockingIOError:
            sharing.close()
            raise
        if not sharing._is_current():
            sharing.close()
            return None
        return sharing

    def alone(self, patience: float = 0.0) -> bool:
        """Whether no other process has a share; none can then join until `close`.

        `patience` is the number of seconds for which others may take to end.
        """
        if self._handle is None or not self._is_current():
            return False
        if fcntl is None:
            self.close()  # what others have open cannot be removed
            return True
        with suppress(BlockingIOError):
            if self._lock(exclusive=True, patience=patience):
                return True
        with suppress(BlockingIOError):
            self._lock(exclusive=False, patience=0)
        return False

    def close(self) -> None:
        """Give the share up."""
        self._release()
        self._handle = None

    def _lock(self, *, exclusive: bool, patience: float) -> bool:
        """Lock the file; raise `BlockingIOError` if others have it, return False without locks."""
        if fcntl is None or self._handle is None:
            return True
        kind, end = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH, time.monotonic() + patience
        while True:
            try:
                fcntl.flock(self._handle, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= end:
                    raise
                time.sleep(PAUSE)
            except OSError:  # the file system has no locks
                return False
            else:
                return True

    def _is_current(self) -> bool:
        """Whether the file is still the one that was opened."""
        try:
            return os.path.samestat(os.fstat(self._handle or 0), self._mark.stat())
        except OSError:
            return False


def _close(handle: int | None) -> None:
    if handle is not None:
        with suppress(OSError):
            os.close(handle)
