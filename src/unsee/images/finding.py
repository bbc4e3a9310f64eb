"""Find the photos of folders and glob patterns."""

import glob
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from PIL import features

from unsee.errors import InputError, printable
from unsee.images._results import is_result
from unsee.storage.files import is_folder

SUFFIXES = frozenset([
    ".apng", ".bmp", ".dib", ".gif", ".ico", ".j2k", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg",
    ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tga", ".tif", ".tiff", ".webp",
    *([".avif"] if "avif" in features.modules and features.check_module("avif") else []),
])  # fmt: skip
"""Suffixes of the files that a search of a folder takes for photos."""
FOREIGN = frozenset([
    "#recycle", "$RECYCLE.BIN", "@eaDir", "System Volume Information", "Thumbs.db", "__MACOSX",
    "__pycache__", "desktop.ini", "lost+found",
])  # fmt: skip
"""Files and folders that operating systems and servers leave beside photos; they are skipped."""
MAX_FOLDERS = 100_000
"""Number of folders that a search visits; more are a loop, or not what the user means."""
MAX_LISTED = 6


@dataclass
class Search:
    """The photos of a folder, and what else it holds."""

    photos: list[Path] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    """Number of other files by suffix; hidden ones are not counted."""

    unreadable: list[Path] = field(default_factory=list)
    """Folders that cannot be listed."""

    results: list[Path] = field(default_factory=list)
    """Folders that unsee wrote, which are not searched."""

    def notes(self, path: Path) -> list[str]:
        """Return a line for what was left out, and one for what could not be read."""
        lines = []
        if self.left_out:
            kinds = [f"{suffix or 'no suffix'}: {n}" for suffix, n in self.left_out.most_common()]
            more = ", ..." if len(kinds) > MAX_LISTED else ""
            lines.append(
                f"{path}: left out {self.left_out.total()} files that are no photos by their "
                f"suffix ({', '.join(kinds[:MAX_LISTED])}{more})"
            )
        if self.unreadable:
            lines.append(
                f"{path}: left out {len(self.unreadable)} folders that cannot be read "
                f"({self.unreadable[0]})"
            )
        if self.results:
            lines.append(
                f"{path}: left out {len(self.results)} folders with results of unsee "
                f"({self.results[0]})"
            )
        return [printable(line) for line in lines]


def is_foreign(name: str) -> bool:
    """Return whether a file or folder is hidden, or left by an operating system."""
    return name.startswith(".") or name in FOREIGN


def search(folder: Path) -> Search:
    """Return the photos in a folder and its subfolders, sorted by path.

    Links are followed, but not into a folder that holds the link. Hidden files and folders,
    `FOREIGN` ones, and the results of unsee below the folder are skipped.

    Raises:
        InputError: The folder cannot be listed, or holds more than `MAX_FOLDERS`.
    """
    result = Search()
    for listed in _walk(folder):
        if not listed.is_readable:
            result.unreadable.append(listed.path)
        result.results += (listed.path / name for name in listed.results)
        for path in (listed.path / name for name in listed.files):
            if path.suffix.lower() in SUFFIXES:
                result.photos.append(path)
            else:
                result.left_out[path.suffix.lower()] += 1
    if result.unreadable == [folder]:
        raise InputError(f"{folder}: the folder cannot be read")
    result.photos.sort()
    result.results.sort()
    return result


def subfolders(path: Path) -> list[str]:
    """Return the names of the folders in a folder, sorted.

    Hidden and foreign ones, and results of unsee, are left out.
    """
    return sorted(_listed(path).folders)


def find(patterns: Iterable[str | Path], notes: list[str] | None = None) -> list[Path]:
    """Return the photos of files, folders (including subfolders) and glob patterns, each once.

    The path of a file that does not exist is kept, so that reading it reports the error.

    Args:
        patterns: Paths and glob patterns; in these, `**` is any number of folders.
        notes: List to which a line is added for each folder with files that are left out.

    Raises:
        InputError: A folder holds no photo, a pattern matches no file, or a name is empty.
    """
    photos: dict[Path, None] = {}
    for pattern in map(str, patterns):
        if not pattern:  # as of an unset variable of a shell; Path makes it the current folder
            raise InputError("expected a photo, folder or glob, got an empty name")
        path = Path(pattern)
        if is_folder(path):
            inside = search(path)
            if not inside.photos:
                kinds = ", ".join(sorted(SUFFIXES))
                left_out = ", and results of unsee are left out" if inside.results else ""
                raise InputError(f"{path}: no photos in this folder ({kinds}){left_out}")
            if notes is not None:
                notes += inside.notes(path)
            photos.update(dict.fromkeys(inside.photos))
        elif glob.has_magic(pattern) and not os.path.lexists(path):
            matches = _matches(pattern)
            if not matches:
                raise InputError(f"{pattern}: matches no file")
            photos.update(dict.fromkeys(find(matches, notes)))
        else:
            photos[path] = None
    return list(photos)


def _matches(pattern: str) -> list[Path]:
    """Return the paths that match a glob pattern, sorted; loops of links are not followed."""
    parts = Path(pattern).parts
    if "**" not in parts:
        # Path.glob refuses absolute patterns
        return sorted(map(Path, glob.glob(pattern)))  # noqa: PTH207
    at = parts.index("**")
    tops = _matches(str(Path(*parts[:at]))) if at else [Path()]
    rest = parts[at + 1 :]
    if not rest:
        return tops
    matches = {
        match
        for top in tops
        if is_folder(top)
        for folder in _walk(top)
        for match in _matches(str(Path(glob.escape(str(folder.path)), *rest)))
    }
    return sorted(matches)


class _Folder(NamedTuple):
    path: Path
    folders: list[str]
    files: list[str]
    results: list[str]
    is_readable: bool = True


def _listed(path: Path) -> _Folder:
    """Return the visible names in a folder; links to folders are folders."""
    result = _Folder(path, [], [], [])
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if is_foreign(entry.name):
                    continue
                if not _is_directory(entry):
                    names = result.files
                else:
                    names = result.results if is_result(path / entry.name) else result.folders
                names.append(entry.name)
    except OSError:
        return result._replace(is_readable=False)
    return result


def _is_directory(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a loop of links, a failing disk: reading the file reports it
        return False


def _walk(top: Path) -> Iterator[_Folder]:
    """Yield a folder and all below it; a folder that contains itself through links ends there."""
    waiting: list[tuple[Path, frozenset[tuple[int, int]]]] = [(top, frozenset())]
    visited = 0
    while waiting:
        path, above = waiting.pop()
        visited += 1
        if visited > MAX_FOLDERS:
            raise InputError(f"{top}: more than {MAX_FOLDERS:,} folders; name the one with photos")
        folder = _listed(path)
        yield folder
        if folder.folders:
            status = path.stat()
            inside = above | {(status.st_dev, status.st_ino)}
            below = (path / name for name in folder.folders)
            waiting += [(child, inside) for child in below if _identity(child) not in inside]


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
