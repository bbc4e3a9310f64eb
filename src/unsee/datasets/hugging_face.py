"""Data sets of the Hugging Face library, as `save_to_disk` writes them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unsee.datasets.base import WRONG, Dataset, Sample, needed, unique
from unsee.errors import InputError
from unsee.images import reading
from unsee.images.framing import Photo

__all__ = ["HuggingFace"]

STATE, SPLITS = "state.json", "dataset_dict.json"


@dataclass(frozen=True)
class HuggingFace(Dataset):
    """A folder of `datasets.Dataset.save_to_disk`, read with pyarrow; of several splits, one."""

    split: str = "validation"
    """Of a folder with several."""
    image: str = "image"
    """Column of the photos."""
    label: str = "label"
    """Column of the classes; empty if there is none."""

    def recognises(self, path: Path) -> bool:
        """Whether the library's own file is there."""
        return (path / STATE).is_file() or (path / SPLITS).is_file()

    def samples(self, path: Path) -> list[Sample]:
        """In the order of the rows."""
        try:
            return unique(self._found(path), path)
        except (*WRONG, OSError) as error:
            raise InputError(f"{path}: no data set that can be read: {error!r}") from error

    def _found(self, path: Path) -> list[Sample]:
        folder = path
        if (path / SPLITS).is_file():
            known = json.loads((path / SPLITS).read_text("utf-8")).get("splits", [])
            if self.split not in known:
                raise InputError(f"{path}: no split {self.split!r}; there are {', '.join(known)}")
            folder = path / self.split
        state = json.loads(needed(folder / STATE, "the data set's state").read_text("utf-8"))
        found: list[Sample] = []
        for file in (entry["filename"] for entry in state["_data_files"]):
            for row, label in enumerate(_labels(folder / file, self.image, self.label)):
                name = f"{len(found):06d}"
                found.append(Sample(name, _reader(folder / file, self.image, row, name), label))
        return found


def _table(path: Path) -> Any:
    import pyarrow as pa

    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_stream(source).read_all()


def _labels(path: Path, image: str, label: str) -> list[int | None]:
    table = _table(needed(path, "a file of the data set"))
    for column in filter(None, (image, label)):
        if column not in table.column_names:
            raise InputError(
                f"{path}: no column {column!r}; there are {', '.join(table.column_names)}"
            )
    found: list[Any] = table[label].to_pylist() if label else [None] * len(table)
    for value in found:
        if value is not None and not isinstance(value, int):
            raise InputError(f"{path}: expected class numbers in {label!r}, got {value!r}")
    return found


def _reader(path: Path, column: str, row: int, name: str) -> Callable[[int], Photo]:
    def read(channels: int) -> Photo:
        value = _table(path)[column][row].as_py()
        content = value["bytes"] or Path(value["path"]).read_bytes()
        return reading.decode(content, name, channels)

    return read
