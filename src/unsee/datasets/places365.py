"""Validation photos of Places365."""

from dataclasses import dataclass
from pathlib import Path

from unsee.datasets.base import Dataset, Names, Sample, Samples, check_samples, sample_of
from unsee.errors import InputError
from unsee.storage import files

__all__ = ["Places365"]

LABELS, CATEGORIES = "places365_val.txt", "categories_places365.txt"
CLASSES = 365


@dataclass(frozen=True)
class Places365(Dataset):
    """Places365: `val_256/` or `val_large/`, and `places365_val.txt` with a photo and class a line.

    Names of the classes are read from `categories_places365.txt` where it exists.

    Zhou et al., "Places: A 10 Million Image Database for Scene Recognition", PAMI 2018.
    """

    def recognises(self, path: Path) -> bool:
        """Return whether the file of labels exists."""
        return files.is_file(path / LABELS)

    def samples(self, path: Path) -> Samples:
        """Return one sample per line of the file of labels whose photo exists."""
        folders = (path / "val_256", path / "val_large")
        folder = next((folder for folder in folders if files.is_folder(folder)), path)
        labels = path / LABELS
        samples: list[Sample] = []
        missing: list[str] = []
        for number, line in enumerate(files.read_text(labels, "file of labels").splitlines(), 1):
            name, _, label = line.strip().rpartition(" ")
            if not line.strip():
                continue
            source = f"{labels}, line {number}: expected a photo and a class"
            if not name:
                raise InputError(f"{source}, got {line[:80]!r}")
            target = files.parse_index(label, source)
            if files.is_file(folder / files.check_relative(name, labels)):
                samples.append(sample_of(folder / name, name, target))
            else:
                missing.append(name)
        return check_samples(samples, path, missing=missing, classes=_classes(path / CATEGORIES))


def _classes(path: Path) -> Names:
    """Return the classes with their names, such as /a/airfield, which are unknown without a file.

    Raises:
        InputError: A line is not a name and a number.
    """
    classes: dict[int, tuple[str, ...]] = dict.fromkeys(range(CLASSES), ())
    if not files.is_file(path):
        return classes
    for number, line in enumerate(files.read_text(path, "list of classes").splitlines(), 1):
        if line.strip():
            name, _, index = line.strip().rpartition(" ")
            source = f"{path}, line {number}: expected a name and a number"
            classes[files.parse_index(index, source)] = (name, name[len("/a/") :])
    return classes
