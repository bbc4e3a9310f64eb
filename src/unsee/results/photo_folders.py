"""The folder for the result of each photo: that of an earlier result, or one with a free name."""

import hashlib
import itertools
import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from unsee.errors import InputError, TakenError
from unsee.storage.files import exists, open_binary, read_json
from unsee.storage.folders import MANIFEST, RESERVED, WRITTEN, place_of
from unsee.storage.workplace import remove_leavings

MAX_NAME = 100
MAX_NAME_BYTES = 200
"""Characters, and bytes in UTF-8, of the name of a result folder, before its number."""
NUMBER = re.compile(r"-\d+$")
"""End of the name of a folder whose photo has the file name of another one."""
Origin = dict[str, Any]
"""What the manifest of a result says about its photo; empty for a result of something else."""


def result_folders(paths: Sequence[Path], out: Path) -> list[Path]:
    """Return a folder in `out` for the result of each photo, named after the file.

    It is the folder of an earlier result of the same photo, if there is one. Otherwise its name is
    that of no result of another photo. Names are unique, also on file systems that ignore case or
    the composition of letters, and never lead out of `out`: leading dots are dropped, and
    characters that a file system may refuse are replaced.
    """
    remove_leavings(place_of(out))  # a killed command may have set a result aside
    stems = [_safe_name(path.stem) for path in paths]
    earlier = _Earlier.of(out, {_key(stem) for stem in stems})
    free: dict[str, Iterator[str]] = {stem: _names(stem) for stem in stems}
    taken: set[str] = set()
    folders = []
    for path, stem in zip(paths, stems, strict=True):
        name = earlier.name_of(_Photo(path), stem, taken) or next(
            name
            for name in free[stem]
            if _key(name) not in taken and _key(name) not in earlier.origins
        )
        taken.add(_key(name))
        folders.append(out / name)
    return folders


def place_of_photo(path: str | Path) -> str:
    """Return a hash of the absolute path of a photo, which tells a reader no folder.

    A name that no file can have, such as one with a null character, is hashed as it is.
    """
    try:
        place = os.fsencode(os.path.realpath(path))
    except (OSError, ValueError):
        place = str(path).encode("utf-8", "surrogatepass")
    return hashlib.sha256(place).hexdigest()


def check_photo(folder: Path, path: str | Path) -> None:
    """Raise `TakenError` for a folder that holds a result of unsee, but not of this photo."""
    origin = _origin(folder)
    if origin is not None and not _Photo(Path(path)).has(origin):
        raise TakenError(
            f"{folder}: holds the result of {origin.get('path') or 'something else'}, not of "
            f"{path}; it is not overwritten: choose another folder"
        )


def free_folder(folder: Path, path: str | Path) -> Path:
    """Return a folder for the result of a photo, or the next free one in its place.

    The next is taken if the folder holds the result of another photo, which another command may
    have written since the folder was chosen.
    """
    try:
        check_photo(folder, path)
    except TakenError:
        (folder,) = result_folders([Path(path)], folder.parent)
    return folder


def next_folder(folder: Path, path: str | Path) -> Path:
    """Return the first folder beside this one, named after the photo, that does not exist."""
    folders = (folder.with_name(name) for name in _names(_safe_name(Path(path).stem)))
    return next(free for free in folders if not os.path.lexists(free))


@dataclass(frozen=True)
class _Photo:
    path: Path

    @cached_property
    def place(self) -> str:
        return place_of_photo(self.path)

    @cached_property
    def digest(self) -> str | None:
        """Return the SHA-256 of the content; None for a file that cannot be read."""
        with suppress(InputError, OSError), open_binary(self.path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
        return None

    def has(self, origin: Origin) -> bool:
        """Return whether a result is of this photo, also if its content or its path changed."""
        stored = origin.get("path")
        if origin.get("place") == self.place:
            return True
        if not isinstance(stored, str):
            return False
        is_named = exists(stored) and place_of_photo(stored) == self.place
        if is_named and Path(stored).is_absolute():
            return True
        # a relative path may have been of another folder, and a photo may have been copied
        return (is_named or not exists(stored)) and self.digest == origin.get("sha256")


@dataclass(frozen=True)
class _Earlier:
    """The results in a folder whose names may be those of the present photos."""

    names: dict[str, str] = field(default_factory=dict)
    """Name of each folder by its key."""
    origins: dict[str, Origin] = field(default_factory=dict)
    """The photo of each result by the key of its folder."""

    @classmethod
    def of(cls, out: Path, stems: set[str]) -> "_Earlier":
        """Read the manifests in a folder; `stems` are the keys of the photos' names."""
        earlier = cls()
        with suppress(OSError):
            for folder in sorted(out.iterdir()):
                key = _key(folder.name)
                is_of_photo = key in stems or NUMBER.sub("", key) in stems
                if is_of_photo and (origin := _origin(folder)) is not None:
                    earlier.names[key] = folder.name
                    earlier.origins[key] = origin
        return earlier

    @cached_property
    def _by_value(self) -> dict[object, list[str]]:
        """Keys of folders by the place, and by the digest, of their photo."""
        keys: dict[object, list[str]] = defaultdict(list)
        for key, origin in self.origins.items():
            for name in ("place", "path", "sha256"):
                if isinstance(value := origin.get(name), str):
                    keys[name, place_of_photo(value) if name == "path" else value].append(key)
        return dict(keys)

    def name_of(self, photo: _Photo, stem: str, taken: set[str]) -> str | None:
        """Return the name of the folder that has the result of a photo; None if there is none."""
        wanted = [("place", photo.place), ("path", photo.place)]
        for value in wanted + ([("sha256", photo.digest)] if self.origins else []):
            for key in self._by_value.get(value, []):
                own = key == _key(stem) or NUMBER.sub("", key) == _key(stem)
                if own and key not in taken and photo.has(self.origins[key]):
                    return self.names[key]
        return None


def _origin(folder: Path) -> Origin | None:
    """Return the photo of a result; None for a folder that is no complete result of unsee."""
    with suppress(InputError):
        if exists(folder / MANIFEST):
            manifest = read_json(folder / MANIFEST)
            if isinstance(manifest, dict) and WRITTEN in manifest:
                origin = manifest.get("input")
                return origin if isinstance(origin, dict) else {}
    return None


def _names(stem: str) -> Iterator[str]:
    yield stem
    yield from (f"{stem}-{number}" for number in itertools.count(2))


def _safe_name(stem: str) -> str:
    name = unicodedata.normalize("NFC", stem)
    name = re.sub(r"[^\w .()+,=@-]", "_", name).strip(" .")[:MAX_NAME]
    name = name.encode()[:MAX_NAME_BYTES].decode(errors="ignore").strip(" .") or "photo"
    return f"_{name}" if RESERVED.match(name) else name


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
