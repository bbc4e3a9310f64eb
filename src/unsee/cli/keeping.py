"""Write what a command computed; its table was printed before, so that no error loses all of it."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from unsee.cli.console import print_note, say
from unsee.errors import TakenError
from unsee.storage.folders import next_free


def write_result(
    out: Path,
    write: Callable[[Path, bool], None],
    what: str,
    *,
    overwrite: bool,
    complete: bool = True,
    files: Sequence[str] = (),
) -> None:
    """Write a result to `out` and say where it is.

    A result that is not complete replaces none that exists. That `out` may be written was checked
    before anything was computed: if something else is there now, the result goes to the next free
    name, and a line says so.

    Args:
        out: Folder that the user named.
        write: Writes the result to a folder, which it may replace if its second argument is true.
        what: What is in the folder, in words.
        overwrite: Whether the user allowed to replace `out`.
        complete: Whether everything was computed.
        files: Files in the folder that are named; none stands for the folder.

    Raises:
        InputError: The result cannot be written.
    """
    if overwrite and not complete and os.path.lexists(out):
        print_note(f"{out}: the earlier result is kept; what this command computed is not written")
        return
    folder = out
    while True:
        try:
            write(folder, overwrite and complete and folder == out)
        except TakenError:
            taken, folder = folder, next_free(out)
            if folder == taken:  # a file system that contradicts itself
                raise
        else:
            break
    if folder != out:
        print_note(f"{out}: was taken in the meantime; this result is in {folder}")
    places = [folder / name for name in files] or [folder]
    say(f"{what}: {', '.join(map(str, places))}\n", results=places)
