"""A finished run's rows in one Parquet file, in place of one file per unit."""

import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from unsee.errors import InputError

UNITS = b"unsee units"
"""Key of the Parquet metadata that holds the seconds spent on each archived unit, as JSON."""


class Archive:
    """The file `rows.parquet` of a run's folder; a run without it has an empty archive."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "rows.parquet"

    @cached_property
    def seconds(self) -> dict[str, float]:
        """Seconds spent on each archived unit, by the name of its former file.

        Raises `InputError` for a damaged archive.
        """
        import pyarrow.parquet as pq

        if not self.path.exists():
            return {}
        try:
            units: dict[str, float] = json.loads(pq.read_schema(self.path).metadata[UNITS])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{self.path}: expected the archived rows of a run: {error}"
            ) from error
        return units

    def rows(self, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
        """Yield the archived rows in the order of their units, with all columns or those named."""
        import pyarrow.parquet as pq

        if self.seconds:
            file = pq.ParquetFile(self.path)
            for batch in file.iter_batches(columns=columns and list(columns)):
                yield from batch.to_pylist()

    def write(self, files: Sequence[Path]) -> None:
        """Move the rows of unit files into a new archive and remove the files.

        Args:
            files: Parquet files of units, in the order of their units.

        Raises:
            InputError: The archive exists already, or there is nothing to archive.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self.path.exists() or not files:
            problem = "exists already" if files else "no rows to archive"
            raise InputError(f"{self.path}: {problem}")
        tables = [pq.read_table(file) for file in files]
        units = {
            file.stem: float((table.schema.metadata or {}).get(b"seconds", b"0"))
            for file, table in zip(files, tables, strict=True)
        }
        rows = pa.concat_tables(tables, promote_options="default")
        rows = rows.replace_schema_metadata({UNITS: json.dumps(units).encode()})
        part = self.path.with_name(f".{self.path.name}.unfinished")
        pq.write_table(rows, part, compression="zstd")
        part.replace(self.path)
        for file in files:
            file.unlink()
