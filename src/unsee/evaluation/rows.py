"""Read and write the Parquet files of a run's rows."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from unsee.errors import InputError, as_input_error
from unsee.storage.files import check_file
from unsee.storage.folders import new_file

Row = dict[str, Any]
TEXT_COLUMNS = ("photo", "classifier", "method", "infiller", "content", "error")
"""Columns that hold text; all others hold numbers."""
INTEGER_COLUMNS = ("target", "predicted")
MAX_ROWS = 20_000_000
"""Number of rows of a file."""
MAX_GROUP_BYTES = 2**30
"""Size of the rows that Parquet unpacks together."""
GROUPS = 16
"""Groups of the usual size that are as large as the largest group."""
MAX_GROUP_ROWS = 2**20
"""Number of rows that are packed together."""
BATCH = 4096
"""Rows in memory at a time."""
ARCHIVE = "rows.parquet"
"""Name of the file that holds all rows of a finished run, which nothing can replace."""


def read_rows(path: Path, columns: Sequence[str] | None = None) -> Iterator[Row]:
    """Yield the rows of a file, with all columns or those named.

    Raises:
        InputError: The file is damaged, larger than rows can be, or has other columns.
    """
    check_file(path, "file of rows")
    with as_input_error(f"{path} cannot be read; {mend_of(path)}"):
        import pyarrow.parquet as pq

        with pq.ParquetFile(path) as file:
            _check_size(path, file.metadata)
            _check_columns(path, file.schema_arrow, columns)
            for batch in file.iter_batches(BATCH, columns=columns and list(columns)):
                if any(batch.column(name).null_count for name in _required(batch.schema)):
                    raise InputError(f"{path}: a row has no photo or no name of a part")
                yield from batch.to_pylist()


def read_metadata(path: Path, key: bytes) -> bytes | None:
    """Return an entry of a file's metadata; raise `InputError` for a damaged file."""
    check_file(path, "file of rows")
    with as_input_error(f"{path} cannot be read; {mend_of(path)}"):
        import pyarrow.parquet as pq

        value: bytes | None = (pq.read_schema(path).metadata or {}).get(key)
        return value


def write_rows(path: Path, table: Any) -> None:
    """Write a table of Arrow; the file appears when it is complete and on the disk."""
    with new_file(path) as unfinished:
        write_table(unfinished, table)


def write_table(path: Path, table: Any, **options: Any) -> None:
    """Write a table of Arrow to the disk, in groups that `read_rows` takes."""
    import pyarrow.parquet as pq

    row_bytes = table.nbytes // max(1, table.num_rows) + 1
    rows = min(MAX_GROUP_ROWS, max(1, MAX_GROUP_BYTES // GROUPS // row_bytes))
    with path.open("wb") as file:
        pq.write_table(table, file, row_group_size=rows, **options)
        file.flush()
        os.fsync(file.fileno())


def mend_of(path: Path) -> str:
    """Return what to do about a file of rows that cannot be used."""
    if path.name == ARCHIVE:
        return "it holds all rows of the run: restore it from a copy"
    return "remove it and run again"


def table_of(rows: Sequence[Row], metadata: dict[bytes, bytes]) -> Any:
    """Return rows as a table of Arrow whose types do not depend on which values are empty."""
    import pyarrow as pa

    table = pa.Table.from_pylist(rows)
    fields = [
        field if field.type != pa.null() else field.with_type(_empty_type(field.name))
        for field in table.schema
    ]
    return table.cast(pa.schema(fields, metadata))


def _empty_type(column: str) -> Any:
    import pyarrow as pa

    if column in TEXT_COLUMNS:
        return pa.string()
    return pa.int64() if column in INTEGER_COLUMNS else pa.float64()


def _check_size(path: Path, metadata: Any) -> None:
    groups = (metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    if metadata.num_rows > MAX_ROWS or any(size > MAX_GROUP_BYTES for size in groups):
        raise InputError(f"{path}: more rows than a run can have; {mend_of(path)}")


def _check_columns(path: Path, schema: Any, columns: Sequence[str] | None) -> None:
    from pyarrow import types

    if missing := set(columns or ("photo",)) - set(schema.names):
        raise InputError(
            f"{path}: expected rows of a run, got none of {', '.join(sorted(missing))}"
        )
    numeric = (types.is_integer, types.is_floating, types.is_boolean)
    for field in schema:
        text = types.is_string(field.type) or types.is_large_string(field.type)
        number = any(is_type(field.type) for is_type in numeric)
        if not (text if field.name in TEXT_COLUMNS else number) and not types.is_null(field.type):
            expected = "text" if field.name in TEXT_COLUMNS else "numbers"
            raise InputError(f"{path}: expected {field.name} to be {expected}, got {field.type}")


def _required(schema: Any) -> list[str]:
    """Return the columns of a file in which every row has a text."""
    optional = {"content", "error"}
    return [name for name in schema.names if name in TEXT_COLUMNS and name not in optional]
