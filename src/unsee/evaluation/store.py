"""The folder of a run: a frozen manifest, and files of rows that are there whole or not at all."""

import json
import os
import uuid
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unsee.errors import DiskFullError, InputError
from unsee.evaluation.archive import Archive

MANIFEST = "run.json"
END = b"PAR1"
"""Of every Parquet file that is whole."""
Row = dict[str, Any]
Maps = dict[str, NDArray[np.float16]]


class Store:
    """Rows by unit, one Parquet file for each: a combination on a shard of the photos."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows, self.maps = folder / "rows", folder / "maps"
        self.archive = Archive(folder)

    def begin(self, manifest: dict[str, Any]) -> None:
        """Freeze the settings, or refuse a folder that has others."""
        path = self.folder / MANIFEST
        if self._used() and not path.exists():  # in this order: another may begin meanwhile
            raise InputError(f"{self.folder}: is there already and is no run; choose another --out")
        try:
            for folder in (self.rows, self.maps):
                folder.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                _create(path, (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode())
        except OSError as error:
            raise InputError(f"cannot write to {self.folder}: {error.strerror}") from error
        self._compare(manifest)

    def _used(self) -> bool:
        """Whether there is anything but what a begin leaves that was killed, or is going on."""
        if not self.folder.exists():
            return False
        ours = {self.rows, self.maps}
        own = [path for path in self.folder.iterdir() if path not in ours]
        inside = [path for folder in ours if folder.is_dir() for path in folder.iterdir()]
        return any(not path.name.startswith(f".{MANIFEST}.") for path in own) or bool(inside)

    def manifest(self) -> dict[str, Any]:
        """What the run was begun with.

        Raises `InputError` for a folder that is no run.
        """
        try:
            found: dict[str, Any] = json.loads((self.folder / MANIFEST).read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"{self.folder}: no run ({MANIFEST}): {error}") from error
        return found

    def _compare(self, manifest: dict[str, Any]) -> None:
        before = self.manifest()
        for key in ("settings", "photos", "annotations", "versions"):
            old, new = (json.loads(json.dumps(of.get(key))) for of in (before, manifest))
            if old == new:
                continue
            if isinstance(old, dict) and isinstance(new, dict):
                differing = [k for k in {**old, **new} if old.get(k) != new.get(k)]
                told = ", ".join(f"{k}: {old.get(k)} there, {new.get(k)} now" for k in differing)
            else:
                told = f"{key}: {old} there, {new} now"
            what = "settings" if key in {"settings", "photos"} else key
            raise InputError(f"{self.folder} is a run with other {what} ({told}); choose another")

    def path(self, combination: int, shard: int) -> Path:
        """Of a unit's rows."""
        return self.rows / f"{combination:04d}-{shard:06d}.parquet"

    def has(self, combination: int, shard: int) -> bool:
        """Whether a unit is done; a file that a crash of the machine cut short is not."""
        if self.path(combination, shard).stem in self.archive.seconds:
            return True
        try:
            with self.path(combination, shard).open("rb") as file:
                file.seek(-len(END), os.SEEK_END)
                return file.read() == END
        except OSError:
            return False

    def write(
        self, combination: int, shard: int, rows: list[Row], maps: Maps, seconds: float
    ) -> None:
        """Maps first, then rows; the time goes beside the rows, which must not depend on it."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self.path(combination, shard)
        unfinished = path.with_name(f".{path.stem}.{uuid.uuid4().hex}.unfinished")
        try:
            if maps:
                kept = self.maps / f"{path.stem}.npz"
                part = kept.with_name(f".{uuid.uuid4().hex}.npz")
                np.savez_compressed(part, **maps)  # type: ignore[arg-type]
                part.replace(kept)
            table = pa.Table.from_pylist(rows)
            typed = [
                one if one.type != pa.null() else one.with_type(_empty(one.name))
                for one in table.schema
            ]
            table = table.cast(pa.schema(typed, {b"seconds": f"{seconds:.3f}".encode()}))
            with unfinished.open("wb") as file:
                pq.write_table(table, file)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            if error.errno == 28:
                raise DiskFullError(f"no space left to write {path}") from error
            raise InputError(f"cannot write {path}: {error.strerror}") from error

    def kept(self, combination: int, shard: int) -> Maps:
        """The maps of a unit by photo; none where none were kept."""
        path = self.maps / f"{self.path(combination, shard).stem}.npz"
        if not path.exists():
            return {}
        with np.load(path) as found:
            return dict(found)

    def clean(self) -> None:
        """Remove what a killed run left half written."""
        for folder in (self.rows, self.maps):
            for path in folder.glob(".*"):
                path.unlink(missing_ok=True)

    def read(self) -> list[Row]:
        """All rows that are there, in a fixed order."""
        return list(self.walk())

    def walk(self, columns: Sequence[str] | None = None) -> Iterator[Row]:
        """The same, a file at a time; of them all columns, or some."""
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
        """Spent on each combination."""
        import pyarrow.parquet as pq

        units = dict(self.archive.seconds)
        for path in self._files():
            metadata = pq.read_schema(path).metadata or {}
            units[path.stem] = float(metadata.get(b"seconds", b"0"))
        totals: dict[int, float] = {}
        for unit, seconds in units.items():
            number = int(unit.split("-")[0])
            totals[number] = totals.get(number, 0.0) + seconds
        return totals

    def units(self) -> int:
        """How many are done."""
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
    """Write a file that is there whole or not at all; of several writers the first one's stays."""
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.unfinished")
    part.write_bytes(content)
    try:
        os.link(part, path)
    except FileExistsError:
        pass
    except OSError:  # a file system without links
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _empty(column: str) -> Any:
    """The type of a column that has no value in these rows, as in others."""
    import pyarrow as pa

    if column == "error":
        return pa.string()
    return pa.int64() if column in {"target", "predicted"} else pa.float64()
