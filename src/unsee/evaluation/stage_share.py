"""The share of a process in a folder of stages, which other processes may share."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from unsee.storage.locks import Sharing


class Share:
    """The share of a process in a folder of stages, until `close`.

    Args:
        mark: The file that marks the folder.
        sharing: The lock on that file.
        made: The file and the folder, as far as this process made them.
    """

    def __init__(self, mark: Path, sharing: Sharing, made: Sequence[Path]) -> None:
        self._mark, self._sharing, self._made = mark, sharing, made

    def close(self) -> None:
        """Give the share up, and remove what this process made if nobody has a use for it.

        That is where no stage has a run, and no other process has a share.
        """
        with suppress(OSError):
            if self._mark in self._made and self._sharing.alone() and self._is_empty():
                self._mark.unlink()
                if self._mark.parent in self._made:
                    self._mark.parent.rmdir()
        self._sharing.close()

    def _is_empty(self) -> bool:
        return list(self._mark.parent.iterdir()) == [self._mark]
