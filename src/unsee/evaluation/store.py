"""The folder of a run: a manifest that never changes, and complete files of rows."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unsee.errors import InputError
from unsee.evaluation.archive import SECONDS, UNIT_NAME, Archive, unit_seconds
from unsee.evaluation.manifest import FORMAT, ClassifierView, RunManifest, check_format, plain
from unsee.evaluation.rows import Row, read_rows, table_of, write_rows
from unsee.storage.arrays import read_arrays, write_arrays
from unsee.storage.files import exists, is_file, is_folder, read_json
from unsee.storage.folders import (
    check_name,
    create_file,
    json_bytes,
    new_file,
    place_of,
    write_errors,
)
from unsee.storage.locks import Sharing
from unsee.storage.records import record
from unsee.storage.workplace import is_workplace, remove_leavings

MANIFEST = "run.json"
PARQUET_END = b"PAR1"
"""Last bytes of every complete Parquet file."""
COMPARED = ("settings", "photos", "annotations", "classes", "files", "versions")
"""Keys of the manifest in which a run and the folder that it continues must agree."""
MAP_TYPES = (np.float32, np.float16)

Maps = dict[str, NDArray[np.float32] | NDArray[np.float16]]
"""Saliency maps by photo; earlier versions store them in half precision, in which small values are
0 and large ones infinite."""


class Store:
    """Rows of a run, one Parquet file for each unit: a combination on a shard of the photos.

    Files are `rows/COMBINATION-SHARD.parquet` and, if maps are saved, `maps/COMBINATION-SHARD.npz`.
    Several processes may write to the same folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows, self.maps = folder / "rows", folder / "maps"
        self.archive = Archive(folder)
        self.is_new = False
        """Whether this object made the folder."""
        self._sharing: Sharing | None = None

    def begin(self, manifest: dict[str, Any]) -> None:
        """Write the manifest, or check that the folder's manifest is the same.

        Raises `InputError` for a folder that is not a run, that belongs to another run, or that
        cannot be written.
        """
        path = self.folder / MANIFEST
        check_name(place_of(self.folder))
        if exists(self.folder) and not is_folder(self.folder):
            raise InputError(f"{self.folder}: is a file, expected a folder; choose another folder")
        if exists(path):  # before anything is made in the folder of another program
            self.check_same(manifest)
        with write_errors(self.folder):
            self._remove_leavings()
            if self._is_used() and not exists(path):  # in this order: another process may write it
                raise InputError(f"{self.folder} exists and is not a run; choose another folder")
            existed = exists(self.folder)
            try:
                while self._sharing is None:  # again if another process has just removed the folder
                    for folder in (self.rows, self.maps):
                        folder.mkdir(parents=True, exist_ok=True)
                    if not exists(path):
                        content = json_bytes({"format": FORMAT, **manifest}, path)
                        self.is_new = create_file(path, content) and not existed
                    self.join()
            except BaseException:
                self.discard(existed=existed)
                raise
        self.check_same(manifest)

    def join(self) -> None:
        """Keep other processes from discarding the run, as long as this object lives."""
        self._sharing = Sharing.join(self.folder / MANIFEST)

    def discard(self, *, existed: bool = False, patience: float = 0.0) -> None:
        """Remove the folder of a run without a row, by the process that made it.

        It stays if another process has joined the run and does not end within some seconds.
        """
        mark = self.folder / MANIFEST
        if existed or (exists(mark) and not self.is_new) or self._has_files():
            return
        if exists(mark) and not (self._sharing and self._sharing.alone(patience)):
            return
        with suppress(OSError):  # a folder with anything else in it stays
            for folder in filter(exists, (self.rows, self.maps)):
                folder.rmdir()
            for path in (*self.folder.glob("classifier-*.json"), mark):
                path.unlink(missing_ok=True)
            self.folder.rmdir()
        if self._sharing:
            self._sharing.close()

    def _has_files(self) -> bool:
        """Whether there are rows or maps, or a process is writing some."""
        with suppress(OSError):
            folders = filter(exists, (self.rows, self.maps))
            return exists(self.archive.path) or any(any(path.iterdir()) for path in folders)
        return True

    def _is_used(self) -> bool:
        """Whether the folder holds anything but the files of an interrupted `begin`."""
        if not exists(self.folder):
            return False
        folders = {self.rows, self.maps}
        others = [path for path in self.folder.iterdir() if path not in folders]
        inside = [path for folder in folders if folder.is_dir() for path in folder.iterdir()]
        unfinished = (
            is_workplace(path) or path.name.startswith(f".{MANIFEST}.") for path in others
        )
        return not all(unfinished) or bool(inside)

    def _remove_leavings(self) -> None:
        for folder in (self.folder, self.rows, self.maps):
            remove_leavings(folder)

    def manifest(self) -> dict[str, Any]:
        """Read the manifest; raises `InputError` for a folder that is not a run."""
        path = self.folder / MANIFEST
        if not exists(path):
            raise InputError(f"{self.folder} is not a run: no {MANIFEST}")
        manifest: dict[str, Any] = read_json(path)
        if not isinstance(manifest, dict):
            raise InputError(f"{path}: expected the manifest of a run, got other JSON")
        check_format(manifest.get("format", FORMAT), path)
        return manifest

    def info(self) -> RunManifest:
        """Read the manifest and check the type of every value that a report uses."""
        return record(RunManifest, plain(self.manifest()), self.folder / MANIFEST)

    def write_view(self, number: int, view: ClassifierView) -> ClassifierView:
        """Store the view of a classifier of the plan, by its number, unless it is stored.

        Numbers of reference classifiers follow those of the others. Returns the view of this run.

        Raises `InputError` if the stored one is of another classifier, such as of other weights.
        """
        path = self._view_path(number)
        if not exists(path):
            create_file(path, json_bytes(asdict(view), path))
        stored = self.read_view(number)
        if stored is None:
            return view
        view = view.continuing(stored)
        if changes := stored.changes(view):
            raise InputError(
                f"{self.folder} is a run of another classifier of the same name (other "
                f"{', '.join(changes)}); choose another folder"
            )
        return view

    def read_view(self, number: int) -> ClassifierView | None:
        """Read the view of a classifier; None if the run has none.

        Raises `InputError` for a damaged file.
        """
        path = self._view_path(number)
        return record(ClassifierView, read_json(path), path) if exists(path) else None

    def _view_path(self, number: int) -> Path:
        return self.folder / f"classifier-{number}.json"

    def check_same(self, manifest: dict[str, Any], keys: Sequence[str] = COMPARED) -> None:
        """Raise `InputError` unless a manifest agrees with that of the folder in these keys."""
        stored, manifest = plain(self.manifest()), plain(manifest)
        for key in keys:
            old, new = stored.get(key), manifest.get(key)
            if old == new:
                continue
            if isinstance(old, dict) and isinstance(new, dict):
                names = [k for k in {**old, **new} if old.get(k) != new.get(k)]
                if not names:  # of an earlier version, which had no such setting
                    continue
                changes = ", ".join(f"{k}: was {old.get(k)}, now {new.get(k)}" for k in names)
            else:
                changes = f"{key}: was {old}, now {new}"
            kind = "settings" if key in {"settings", "photos"} else key
            raise InputError(
                f"{self.folder} is a run with other {kind} ({changes}); choose another folder"
            )

    def path(self, combination: int, shard: int) -> Path:
        """Return the path of a unit's rows."""
        return self.rows / f"{combination:04d}-{shard:06d}.parquet"

    def has(self, combination: int, shard: int) -> bool:
        """Whether a unit is finished; a truncated file does not count."""
        path = self.path(combination, shard)
        if path.stem in self.archive.seconds:
            return True
        if not is_file(path):
            return False
        try:
            with path.open("rb") as file:
                file.seek(-len(PARQUET_END), os.SEEK_END)
                return file.read() == PARQUET_END
        except OSError:
            return False

    def write(
        self, combination: int, shard: int, rows: list[Row], maps: Maps, seconds: float
    ) -> None:
        """Write the maps of a unit, then its rows; the seconds go into the file's metadata.

        Rows are thus equal between runs. Raises `InputError`, or `DiskFullError` if no space is
        left; a unit that could not be written leaves no file of rows.
        """
        path = self.path(combination, shard)
        if not exists(self.folder / MANIFEST):
            raise InputError(f"{self.folder}: {MANIFEST} was removed in the meantime; run again")
        if maps:
            with new_file(self.maps / f"{path.stem}.npz") as unfinished:
                write_arrays(unfinished, maps)
        write_rows(path, table_of(rows, {SECONDS: f"{seconds:.3f}".encode()}))

    def failed(self, combination: int, shard: int) -> set[str]:
        """Return the photos of a unit whose rows have an error, if it is not archived."""
        path = self.path(combination, shard)
        with suppress(InputError):
            if path.stem not in self.archive.seconds:
                rows = read_rows(path, ("photo", "error"))
                return {row["photo"] for row in rows if row["error"]}
        return set()

    def read_maps(self, combination: int, shard: int) -> Maps:
        """Return the maps of a unit by photo; empty if no maps were saved.

        Raises `InputError` for a damaged file.
        """
        path = self.maps / f"{self.path(combination, shard).stem}.npz"
        if not exists(path):
            return {}
        maps = read_arrays(path)
        for photo, values in maps.items():
            if values.ndim != 2 or values.dtype not in MAP_TYPES or not values.size:
                raise InputError(f"{path}: expected the map of {photo}, got other numbers")
        return maps

    def clean(self) -> None:
        """Remove unfinished files of processes that were killed, and of no others."""
        self._remove_leavings()

    def read(self) -> list[Row]:
        """Return all rows in a fixed order."""
        return list(self.walk())

    def walk(self, columns: Sequence[str] | None = None) -> Iterator[Row]:
        """Yield all rows in a fixed order, one part of a file in memory at a time.

        Args:
            columns: Names of the columns to read, by default all.

        Raises:
            InputError: A file cannot be read, or has other columns.
        """
        yield from self.archive.rows(columns)
        for path in self._files():
            yield from read_rows(path, columns)

    def seconds(self) -> dict[int, float]:
        """Return the seconds spent on each combination, by its number."""
        units = dict(self.archive.seconds)
        units |= {path.stem: unit_seconds(path) for path in self._files()}
        totals: dict[int, float] = {}
        for unit, seconds in units.items():
            number = int(unit.split("-")[0])
            totals[number] = totals.get(number, 0.0) + seconds
        return totals

    def units(self) -> int:
        """Return the number of finished units."""
        return len(self.archive.seconds) + len(list(self._files()))

    def pack(self) -> None:
        """Move the rows of all units into one file, `rows.parquet`.

        Raises `InputError` for a run without rows, or one that is packed already.
        """
        self.archive.write(list(self._files()))
        self.archive = Archive(self.folder)

    def _files(self) -> Iterable[Path]:
        """Files of the units that are not in the archive."""
        files = sorted(p for p in self.rows.glob("*.parquet") if UNIT_NAME.fullmatch(p.stem))
        return [path for path in files if path.stem not in self.archive.seconds]
