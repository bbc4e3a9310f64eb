"""Data sets that the `datasets` library of Hugging Face saved to disk."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unsee.datasets._checks import is_index
from unsee.datasets._imagenet import imagenet_classes
from unsee.datasets.base import Dataset, Names, Sample, Samples, check_samples, named
from unsee.errors import InputError, as_input_error
from unsee.images import reading
from unsee.images.framing import Photo
from unsee.storage import files

__all__ = ["HuggingFace"]

STATE, SPLITS, INFO = "state.json", "dataset_dict.json", "dataset_info.json"
METADATA = b"huggingface"
"""Key of the features in the metadata of a file."""
UNLABELLED = -1
"""Label of a photo without a class."""
MAX_ROWS = 10**8
"""Number of rows of the largest data set."""


@dataclass(frozen=True)
class HuggingFace(Dataset):
    """A folder that `datasets.Dataset.save_to_disk` wrote, read with pyarrow.

    Names of the classes are those of the column's `ClassLabel`, if it has one.
    """

    split: str = "validation"
    """Split to read, for a folder with several."""
    image: str = "image"
    """Column of the photos."""
    label: str | None = "label"
    """Column of the class indices; None or empty for an unlabelled data set."""

    def recognises(self, path: Path) -> bool:
        """Return whether the library's own files exist."""
        return files.is_file(path / STATE) or files.is_file(path / SPLITS)

    def samples(self, path: Path) -> Samples:
        """Return the samples in the order of the rows; the label -1 means that there is none."""
        with as_input_error(f"{path}: the data set cannot be read"):
            return self._samples(path)

    def _samples(self, path: Path) -> Samples:
        folder = path
        if files.is_file(path / SPLITS):
            splits = [str(split) for split in files.read_json(path / SPLITS).get("splits", [])]
            if self.split not in splits:
                raise InputError(
                    f"{path}: no split {self.split!r}; choose from {', '.join(splits)}"
                )
            folder = path / files.check_relative(self.split, path / SPLITS)
        state = files.read_json(folder / STATE, "state of the data set")
        samples: list[Sample] = []
        unlabelled = 0
        classes: Names = {}
        for name in (entry["filename"] for entry in state["_data_files"]):
            file = folder / files.check_relative(name, folder / STATE)
            for row, label in enumerate(_labels(file, self.image, self.label)):
                reader = _Reader(file, self.image, row, f"{len(samples):06d}")
                target = None if label == UNLABELLED else label
                unlabelled += label == UNLABELLED
                samples.append(Sample(reader.name, reader, target))
            classes = classes or named(_class_names(file, self.label))
        is_imagenet = _is_imagenet(classes)
        notes = [f"{path}: {unlabelled} photos have the label -1, which means none"]
        return check_samples(
            samples, path, notes=notes if unlabelled else [],
            classes=imagenet_classes() if is_imagenet else classes, of_imagenet=is_imagenet,
        )  # fmt: skip


def _class_names(file: Path, label: str | None) -> list[str]:
    """Return the names of the classes that a file, or the description beside it, has."""
    stored = (_table(file).schema.metadata or {}).get(METADATA)
    info = (
        files.parse_json(files.decode_text(stored, str(file)), file).get("info") if stored else {}
    )
    beside = file.with_name(INFO)
    described = files.read_json(beside) if files.is_file(beside) else {}
    for features in ((info or {}).get("features"), described.get("features")):
        feature = (features or {}).get(label)
        names = feature.get("names") if isinstance(feature, dict) else None
        if isinstance(names, list) and all(isinstance(name, str) for name in names):
            return names
    return []


def _is_imagenet(classes: Names) -> bool:
    """Return whether classes are ImageNet's: its synonyms, in its order."""
    return (
        bool(classes)
        and all(
            number in imagenet_classes() and name in imagenet_classes()[number]
            for number, (name,) in classes.items()
        )
        and len(classes) == len(imagenet_classes())
    )


def _table(path: Path) -> Any:
    import pyarrow as pa

    with pa.memory_map(str(files.check_file(path, "file of the data set"))) as source:
        table = pa.ipc.open_stream(source).read_all()
    table.validate()
    return table


def _labels(path: Path, image: str, label: str | None) -> list[int | None]:
    table = _table(path)
    if len(table) > MAX_ROWS:
        raise InputError(f"{path}: {len(table):,} rows are more than the {MAX_ROWS:,} allowed")
    for setting, column in (("image", image), ("label", label)):
        if column and column not in table.column_names:
            raise InputError(
                f"{path}: no column {column!r}; choose from {', '.join(table.column_names)} with "
                f"the setting {setting}"
            )
    if not label:
        return [None] * len(table)
    table[label].validate(full=True)
    labels: list[Any] = table[label].to_pylist()
    for value in labels:
        if value is not None and value != UNLABELLED and not is_index(value):
            raise InputError(
                f"{path}: expected class indices in {label!r}, got {str(value)[:80]!r}"
            )
    return labels


@dataclass(frozen=True)
class _Reader:
    """Reads the photo of a row, which is stored in the file, or named relative to its folder."""

    path: Path
    column: str
    row: int
    name: str

    def __call__(self, channels: int) -> Photo:
        cell = _table(self.path)[self.column].slice(self.row, 1)
        cell.validate(full=True)
        value = cell[0].as_py()
        content = value["bytes"]
        if content is None:
            name = files.check_relative(value["path"], self.path)
            content = files.read_bytes(self.path.parent / name)
        return reading.decode(content, self.name, channels)
