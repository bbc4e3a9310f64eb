"""Validation photos of Places365."""

from dataclasses import dataclass
from pathlib import Path

from unsee import files
from unsee.datasets.base import Dataset, Sample, Samples, check_samples, sample_of
from unsee.errors import InputError

__all__ = ["Places365"]

LABELS = "places365_val.txt"


@dataclass(frozen=True)
class Places365(Dataset):
    """Places365: `val_256/` or `val_large/`, and `places365_val.txt` with a photo and class a line.

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
        return check_samples(samples, path, missing=missing)
