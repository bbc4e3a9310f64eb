"""A folder for each class, with its photos in it."""

from dataclasses import dataclass
from pathlib import Path

from unsee.datasets.base import Dataset, Sample, reader, unique
from unsee.images import reading

__all__ = ["ImageFolder"]


@dataclass(frozen=True)
class ImageFolder(Dataset):
    """CLASS/PHOTO: the classes are the folders' names in alphabetical order, as in torchvision.

    With `labelled` off, or where there are only photos, nothing is known about them.
    """

    labelled: bool = True
    """Whether a folder's place in the alphabet is the class."""

    def recognises(self, path: Path) -> bool:
        """Whether it is a folder."""
        return path.is_dir()

    def samples(self, path: Path) -> list[Sample]:
        """All photos below the folder, in alphabetical order."""
        found = reading.find([path])
        folders = sorted({p.relative_to(path).parts[0] for p in found if p.parent != path})
        classes = {name: index for index, name in enumerate(folders)} if self.labelled else {}
        return unique(
            [
                Sample(
                    p.relative_to(path).as_posix(),
                    reader(p),
                    classes.get(p.relative_to(path).parts[0]) if p.parent != path else None,
                )
                for p in found
            ],
            path,
        )
