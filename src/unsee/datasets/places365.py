"""Validation photos of Places365."""

from dataclasses import dataclass
from pathlib import Path

from unsee.datasets.base import Dataset, Sample, check_samples, file_reader, require
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
        return (path / LABELS).is_file()

    def samples(self, path: Path) -> list[Sample]:
        """Return one sample per line of the file of labels."""
        folder = next((path / n for n in ("val_256", "val_large") if (path / n).is_dir()), path)
        samples = []
        for line in require(path / LABELS, "the labels").read_text("utf-8").splitlines():
            name, _, label = line.strip().rpartition(" ")
            if not name:
                continue
            if not label.isdigit():
                raise InputError(f"{path / LABELS}: expected a photo and a class, got {line!r}")
            photo = require(folder / name, "a photo of the labels")
            samples.append(Sample(name, file_reader(photo), int(label)))
        return check_samples(samples, path)
