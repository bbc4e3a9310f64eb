"""One folder of photos per class."""

from dataclasses import dataclass
from pathlib import Path

from unsee.datasets.base import Dataset, Sample, check_samples, file_reader
from unsee.images import finding

__all__ = ["ImageFolder"]


@dataclass(frozen=True)
class ImageFolder(Dataset):
    """One folder per class, CLASS/PHOTO; classes are numbered in alphabetical order.

    This is the layout of torchvision's `ImageFolder`. Photos that lie directly in the folder have
    no label.
    """

    labelled: bool = True
    """Whether the folders are classes; if not, all photos are unlabelled."""

    def recognises(self, path: Path) -> bool:
        """Return whether the path is a folder."""
        return path.is_dir()

    def samples(self, path: Path) -> list[Sample]:
        """Return all photos below the folder, in alphabetical order."""
        photos = finding.find([path])
        folders = sorted({p.relative_to(path).parts[0] for p in photos if p.parent != path})
        classes = {name: index for index, name in enumerate(folders)} if self.labelled else {}
        samples = []
        for photo in photos:
            name = photo.relative_to(path)
            target = classes.get(name.parts[0]) if photo.parent != path else None
            samples.append(Sample(name.as_posix(), file_reader(photo), target))
        return check_samples(samples, path)
