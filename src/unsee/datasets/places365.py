"""Places365's validation photos."""

from dataclasses import dataclass
from pathlib import Path

from unsee.datasets.base import Dataset, Sample, needed, reader, unique
from unsee.errors import InputError

__all__ = ["Places365"]

LABELS = "places365_val.txt"


@dataclass(frozen=True)
class Places365(Dataset):
    """`val_256/` or `val_large/` beside `places365_val.txt`: a photo and its class in each line."""

    def recognises(self, path: Path) -> bool:
        """Whether the list is there."""
        return (path / LABELS).is_file()

    def samples(self, path: Path) -> list[Sample]:
        """Every photo of the list."""
        folder = next((path / n for n in ("val_256", "val_large") if (path / n).is_dir()), path)
        found = []
        for line in needed(path / LABELS, "the labels").read_text("utf-8").splitlines():
            name, _, label = line.strip().rpartition(" ")
            if not name:
                continue
            if not label.isdigit():
                raise InputError(f"{path / LABELS}: expected a photo and a class, got {line!r}")
            photo = needed(folder / name, "a photo of the list")
            found.append(Sample(name, reader(photo), int(label)))
        return unique(found, path)
