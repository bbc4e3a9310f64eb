"""A finished run's rows in one Parquet file, in place of one file per unit."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from unsee.errors import InputError, as_input_error
from unsee.evaluation.rows import (
    ARCHIVE,
    Row,
    mend_of,
    read_metadata,
    read_rows,
    write_table,
)
from unsee.storage.files import check_file, exists, parse_json
from unsee.storage.folders import new_file
from unsee.storage.records import record

UNITS = b"unsee units"
"""Key of the Parquet metadata that holds the seconds spent on each archived unit, as JSON."""
UNIT_NAME = re.compile(r"\d{4,9}-\d{6,9}")
"""Name of the file of a unit: the numbers of its combination and of its shard."""
SECONDS = b"seconds"
"""Key of the seconds in the metadata of the file of a unit."""


@dataclass(frozen=True)
class _Units:
    seconds: dict[str, float]


class Archive:
    """The file `rows.parquet` of a run's folder; a run without it has an empty archive."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / ARCHIVE

    @cached_property
    def seconds(self) -> dict[str, float]:
        """Seconds spent on each archived unit, by the name of its former file.

        Raises `InputError` for a damaged archive.
        """
        if not exists(self.path):
            return {}
        units = read_metadata(self.path, UNITS)
        if units is None:
            raise InputError(f"{self.path}: expected the archived rows of a run")
        content = parse_json(units.decode("utf-8", "replace"), self.path)
        seconds = record(_Units, {"seconds": content}, self.path).seconds
        if not all(map(UNIT_NAME.fullmatch, seconds)):
            raise InputError(f"{self.path}: expected the archived rows of a run")
        return seconds

    def rows(self, columns: Sequence[str] | None = None) -> Iterator[Row]:
        """Yield the archived rows in the order of their units, with all columns or those named."""
        if self.seconds:
            yield from read_rows(self.path, columns)

    def write(self, files: Sequence[Path]) -> None:
        """Move the rows of unit files into a new archive and remove the files.

        They are removed when the archive has been read back.

        Args:
            files: Parquet files of units, in the order of their units.

        Raises:
            InputError: The archive exists already, there is nothing to archive, a file is
                damaged, or the rows are too many for one file. All files are then kept.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self.path.exists() or not files:
            problem = "exists already" if files else "no rows to archive"
            raise InputError(f"{self.path}: {problem}")
        tables = []
        for file in files:
            with as_input_error(f"{file} cannot be read; remove it and run again"):
                tables.append(pq.read_table(check_file(file)))
        units = {file.stem: unit_seconds(file) for file in files}
        rows = pa.concat_tables(tables, promote_options="default")
        rows = rows.replace_schema_metadata({UNITS: json.dumps(units).encode()})
        with new_file(self.path) as unfinished:
            write_table(unfinished, rows, compression="zstd")
            try:
                _check(unfinished, rows.num_rows, units)
            except InputError as error:
                raise InputError(
                    f"{self.path}: not written, since the rows cannot be read back from one file; "
                    "the files of the units are kept"
                ) from error
        for file in files:
            file.unlink()


def _check(path: Path, count: int, units: dict[str, float]) -> None:
    """Raise `InputError` unless a new archive can be read, with all rows and units."""
    stored = read_metadata(path, UNITS)
    if sum(1 for _ in read_rows(path)) != count or stored != json.dumps(units).encode():
        raise InputError("other rows were read than written")


def unit_seconds(path: Path) -> float:
    """Return the seconds spent on the unit of a file."""
    with as_input_error(f"{path} cannot be read; {mend_of(path)}"):
        return float(read_metadata(path, SECONDS) or b"0")
