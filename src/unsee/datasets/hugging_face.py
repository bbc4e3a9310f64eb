"""Data sets that the `datasets` library of Hugging Face saved to disk."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unsee.datasets.base import CONTENT_ERRORS, Dataset, Sample, check_samples, require
from unsee.errors import InputError
from unsee.images import reading
from unsee.images.framing import Photo

__all__ = ["HuggingFace"]

STATE, SPLITS = "state.json", "dataset_dict.json"


@dataclass(frozen=True)
class HuggingFace(Dataset):
    """A folder that `datasets.Dataset.save_to_disk` wrote, read with pyarrow."""

    split: str = "validation"
    """Split to read, for a folder with several."""
    image: str = "image"
    """Column of the photos."""
    label: str | None = "label"
    """Column of the class indices; None or empty for an unlabelled data set."""

    def recognises(self, path: Path) -> bool:
        """Return whether the library's own files exist."""
        return (path / STATE).is_file() or (path / SPLITS).is_file()

    def samples(self, path: Path) -> list[Sample]:
        """Return the samples in the order of the rows."""
        try:
            return check_samples(self._samples(path), path)
        except InputError:
            raise
        except (*CONTENT_ERRORS, OSError) as error:
            raise InputError(f"{path}: the data set cannot be read: {error!r}") from error

    def _samples(self, path: Path) -> list[Sample]:
        folder = path
        if (path / SPLITS).is_file():
            splits = json.loads((path / SPLITS).read_text("utf-8")).get("splits", [])
            if self.split not in splits:
                raise InputError(
                    f"{path}: no split {self.split!r}; choose from {', '.join(splits)}"
                )
            folder = path / self.split
        state = json.loads(require(folder / STATE, "the data set's state").read_text("utf-8"))
        samples: list[Sample] = []
        for file in (entry["filename"] for entry in state["_data_files"]):
            for row, label in enumerate(_labels(folder / file, self.image, self.label)):
                name = f"{len(samples):06d}"
                samples.append(Sample(name, _reader(folder / file, self.image, row, name), label))
        return samples


def _table(path: Path) -> Any:
    import pyarrow as pa

    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_stream(source).read_all()


def _labels(path: Path, image: str, label: str | None) -> list[int | None]:
    table = _table(require(path, "a file of the data set"))
    for column in filter(None, (image, label)):
        if column not in table.column_names:
            raise InputError(
                f"{path}: no column {column!r}; choose from {', '.join(table.column_names)}"
            )
    labels: list[Any] = table[label].to_pylist() if label else [None] * len(table)
    for value in labels:
        if value is not None and not isinstance(value, int):
            raise InputError(f"{path}: expected class indices in {label!r}, got {value!r}")
    return labels


def _reader(path: Path, column: str, row: int, name: str) -> Callable[[int], Photo]:
    def read(channels: int) -> Photo:
        value = _table(path)[column][row].as_py()
        content = value["bytes"] or Path(value["path"]).read_bytes()
        return reading.decode(content, name, channels)

    return read
