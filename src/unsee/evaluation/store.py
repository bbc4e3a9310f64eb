"""The folder of a run: a manifest that never changes, and complete files of rows."""

import errno
import json
import os
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unsee.errors import DiskFullError, InputError
from unsee.evaluation.archive import Archive
from unsee.images.framing import Framing

MANIFEST = "run.json"
PARQUET_END = b"PAR1"
"""Last bytes of every complete Parquet file."""
SECONDS = b"seconds"
"""Key of the seconds in the metadata of a Parquet file."""
COMPARED = ("settings", "photos", "annotations", "versions")
"""Keys of the manifest in which a run and the folder that it continues must agree."""

Row = dict[str, Any]
Maps = dict[str, NDArray[np.float16]]
"""Saliency maps by photo."""


@dataclass(frozen=True)
class ClassifierView:
    """How a classifier of a run sees photos, so that a report need not load it."""

    framing: Framing
    channels: int
    labels: tuple[str, ...]
    """Names of the classes."""


class Store:
    """Rows of a run, one Parquet file for each unit: a combination on a shard of the photos.

    Files are `rows/COMBINATION-SHARD.parquet` and, if maps are saved, `maps/COMBINATION-SHARD.npz`.
    Several processes may write to the same folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows, self.maps = folder / "rows", folder / "maps"
        self.archive = Archive(folder)

    def begin(self, manifest: dict[str, Any]) -> None:
        """Write the manifest, or check that the folder's manifest is the same.

        Raises `InputError` for a folder that is not a run, that belongs to another run, or that
        cannot be written.
        """
        path = self.folder / MANIFEST
        if self._is_used() and not path.exists():  # in this order: another process may write it
            raise InputError(f"{self.folder} exists and is not a run; choose another --out")
        try:
            for folder in (self.rows, self.maps):
                folder.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                _create(path, (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode())
        except OSError as error:
            raise InputError(f"cannot write to {self.folder}: {error.strerror}") from error
        self._check_same(manifest)

    def _is_used(self) -> bool:
        """Whether the folder holds anything but the files of an interrupted `begin`."""
        if not self.folder.exists():
            return False
        folders = {self.rows, self.maps}
        others = [path for path in self.folder.iterdir() if path not in folders]
        inside = [path for folder in folders if folder.is_dir() for path in folder.iterdir()]
        return any(not path.name.startswith(f".{MANIFEST}.") for path in others) or bool(inside)

    def manifest(self) -> dict[str, Any]:
        """Read the manifest; raises `InputError` for a folder that is not a run."""
        try:
            manifest: dict[str, Any] = json.loads((self.folder / MANIFEST).read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"{self.folder} is not a run: no {MANIFEST} ({error})") from error
        return manifest

    def write_view(self, number: int, view: ClassifierView) -> None:
        """Store the view of a classifier of the plan, by its number, unless it is stored."""
        path = self._view_path(number)
        if not path.exists():
            _create(path, (json.dumps(asdict(view), ensure_ascii=False) + "\n").encode())

    def read_view(self, number: int) -> ClassifierView:
        """Read the view of a classifier; raises `InputError` if the run has none."""
        path = self._view_path(number)
        try:
            stored = json.loads(path.read_text("utf-8"))
            framing = stored["framing"]
            return ClassifierView(
                Framing(**{**framing, "size": tuple(framing["size"])}),
                int(stored["channels"]),
                tuple(map(str, stored["labels"])),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}: no view of a classifier ({error})") from error

    def _view_path(self, number: int) -> Path:
        return self.folder / f"classifier-{number}.json"

    def _check_same(self, manifest: dict[str, Any]) -> None:
        """Check that a manifest agrees with that of the folder."""
        stored = self.manifest()
        for key in COMPARED:
            old, new = (json.loads(json.dumps(m.get(key))) for m in (stored, manifest))
            if old == new:
                continue
            if isinstance(old, dict) and isinstance(new, dict):
                names = [k for k in {**old, **new} if old.get(k) != new.get(k)]
                changes = ", ".join(f"{k}: was {old.get(k)}, now {new.get(k)}" for k in names)
            else:
                changes = f"{key}: was {old}, now {new}"
            kind = "settings" if key in {"settings", "photos"} else key
            raise InputError(
                f"{self.folder} is a run with other {kind} ({changes}); choose another --out"
            )

    def path(self, combination: int, shard: int) -> Path:
        """Return the path of a unit's rows."""
        return self.rows / f"{combination:04d}-{shard:06d}.parquet"

    def has(self, combination: int, shard: int) -> bool:
        """Whether a unit is finished; a truncated file does not count."""
        if self.path(combination, shard).stem in self.archive.seconds:
            return True
        try:
            with self.path(combination, shard).open("rb") as file:
                file.seek(-len(PARQUET_END), os.SEEK_END)
                return file.read() == PARQUET_END
        except OSError:
            return False

    def write(
        self, combination: int, shard: int, rows: list[Row], maps: Maps, seconds: float
    ) -> None:
        """Write the maps of a unit, then its rows; the seconds go into the file's metadata.

        The metadata keeps rows equal between runs. Raises `InputError`, or `DiskFullError` if no
        space is left; a unit that could not be written leaves no file of rows.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self.path(combination, shard)
        unfinished = path.with_name(f".{path.stem}.{uuid.uuid4().hex}.unfinished")
        try:
            if maps:
                self._write_maps(path.stem, maps)
            table = pa.Table.from_pylist(rows)
            fields = [
                field if field.type != pa.null() else field.with_type(_empty_type(field.name))
                for field in table.schema
            ]
            table = table.cast(pa.schema(fields, {SECONDS: f"{seconds:.3f}".encode()}))
            with unfinished.open("wb") as file:
                pq.write_table(table, file)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            if error.errno == errno.ENOSPC:
                raise DiskFullError(f"no space left to write {path}") from error
            raise InputError(f"cannot write {path}: {error.strerror}") from error

    def _write_maps(self, name: str, maps: Maps) -> None:
        path = self.maps / f"{name}.npz"
        unfinished = path.with_name(f".{uuid.uuid4().hex}.npz")
        np.savez_compressed(unfinished, **maps)  # type: ignore[arg-type]
        unfinished.replace(path)

    def read_maps(self, combination: int, shard: int) -> Maps:
        """Return the maps of a unit by photo; empty if no maps were saved."""
        path = self.maps / f"{self.path(combination, shard).stem}.npz"
        if not path.exists():
            return {}
        with np.load(path) as maps:
            return dict(maps)

    def clean(self) -> None:
        """Remove unfinished files of processes that were killed."""
        for folder in (self.rows, self.maps):
            for path in folder.glob(".*"):
                path.unlink(missing_ok=True)

    def read(self) -> list[Row]:
        """Return all rows in a fixed order."""
        return list(self.walk())

    def walk(self, columns: Sequence[str] | None = None) -> Iterator[Row]:
        """Yield all rows in a fixed order, one file in memory at a time.

        Args:
            columns: Names of the columns to read, by default all.

        Raises:
            InputError: A file cannot be read.
        """
        import pyarrow.parquet as pq

        yield from self.archive.rows(columns)
        for path in self._files():
            try:
                yield from pq.read_table(path, columns=columns and list(columns)).to_pylist()
            except (OSError, ValueError) as error:
                raise InputError(
                    f"{path} cannot be read: {error}; remove it and run again"
                ) from error

    def seconds(self) -> dict[int, float]:
        """Return the seconds spent on each combination, by its number."""
        import pyarrow.parquet as pq

        units = dict(self.archive.seconds)
        for path in self._files():
            metadata = pq.read_schema(path).metadata or {}
            units[path.stem] = float(metadata.get(SECONDS, b"0"))
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
        files = sorted(self.rows.glob("[0-9]*.parquet"))
        return [path for path in files if path.stem not in self.archive.seconds]


def _create(path: Path, content: bytes) -> None:
    """Write a complete file; if several processes do so at once, the first file stays."""
    unfinished = path.with_name(f".{path.name}.{uuid.uuid4().hex}.unfinished")
    unfinished.write_bytes(content)
    try:
        os.link(unfinished, path)
    except FileExistsError:
        pass
    except OSError:  # the file system has no hard links
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _empty_type(column: str) -> Any:
    """Return the type of a column that has no value in a file, equal to that in other files."""
    import pyarrow as pa

    if column == "error":
        return pa.string()
    return pa.int64() if column in {"target", "predicted"} else pa.float64()
