"""One folder of photos per class."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from unsee.datasets._imagenet import imagenet_classes, imagenet_numbers
from unsee.datasets.base import Dataset, Names, Samples, check_samples, sample_of
from unsee.errors import InputError
from unsee.images import finding

__all__ = ["ImageFolder"]

SPLITS = ("val", "valid", "validation", "test", "testing", "dev", "train", "training")
"""Names of folders that are parts of a data set rather than classes; the first one is read."""
WNID = re.compile(r"n\d{8}", re.ASCII)
"""A WordNet id, as ImageNet's folders are named."""
NUMBER = re.compile(r"[0-9]{1,6}")
"""A number of a class."""


@dataclass(frozen=True)
class ImageFolder(Dataset):
    """One folder per class, CLASS/PHOTO; classes are numbered in alphabetical order.

    This is the layout of torchvision's `ImageFolder`. A class without photos keeps its number.
    Photos that lie directly in the folder have no label. Hidden folders and those that operating
    systems make are skipped. Folders with WordNet ids, such as n02084071, get ImageNet's numbers,
    and folders that are all numbers are the numbers of the classes. An evaluation matches other
    names with those of the classifier. Where the folders are splits, such as `train/` and `val/`,
    one split is read.
    """

    labelled: bool = True
    """Whether the folders are classes; if not, all photos are unlabelled."""
    split: str = ""
    """Folder that is read where the folders are splits; by default `val`, or `test`."""
    numbering: Literal["auto", "alphabetical", "imagenet"] = "auto"
    """Numbers of the classes: their alphabetical order, whatever the classifier's names, or
    ImageNet's 1000; `auto` is `imagenet` if all folders are WordNet ids of ImageNet."""

    def recognises(self, path: Path) -> bool:
        """Return whether the path is a folder."""
        return path.is_dir()

    def samples(self, path: Path) -> Samples:
        """Return all photos below the folder, in alphabetical order."""
        top, notes = self._top(path)
        inside = finding.search(top)
        classes: dict[str, int] = {}
        if self.labelled:
            names = finding.subfolders(top)
            classes, numbered = self._classes(names, path)
            notes += numbered
            used = {p.relative_to(top).parts[0] for p in inside.photos}
            empty = sorted(set(names) - used, key=classes.__getitem__)
            if empty and inside.photos:
                notes.append(f"{path}: classes without photos: {', '.join(empty[:10])}")
        notes += inside.notes(path)
        samples = []
        for photo in inside.photos:
            name = photo.relative_to(top)
            target = classes.get(name.parts[0]) if photo.parent != top else None
            samples.append(sample_of(photo, name.as_posix(), target))
        is_imagenet = bool(classes) and classes.items() <= imagenet_numbers().items()
        return check_samples(
            samples, path, notes=notes, classes=self._named(classes, of_imagenet=is_imagenet),
            of_imagenet=is_imagenet and self.numbering != "alphabetical",
        )  # fmt: skip

    def _named(self, classes: dict[str, int], *, of_imagenet: bool) -> Names:
        """Return the classes with their names; none whose order is set to be the classifier's."""
        if self.numbering == "alphabetical":
            return {}
        if of_imagenet:
            return imagenet_classes()
        return {number: (name,) for name, number in classes.items()}

    def _top(self, path: Path) -> tuple[Path, list[str]]:
        """Return the folder that holds the classes, with a note if it is a split."""
        names = finding.subfolders(path)
        if self.split:
            if self.split not in names:
                choices = ", ".join(names[:10]) or "none"
                raise InputError(f"{path}: no split {self.split!r}; its folders are {choices}")
            return path / self.split, []
        splits = [name for split in SPLITS for name in names if name.lower() == split]
        single = len(splits) == 1 and not finding.subfolders(path / splits[0])
        if not self.labelled or not splits or len(splits) < len(names) or single:
            return path, []
        return path / splits[0], [
            f"{path}: read the split {splits[0]!r} of {', '.join(names)}; the setting split=NAME "
            "reads another"
        ]

    def _classes(self, names: list[str], path: Path) -> tuple[dict[str, int], list[str]]:
        """Return the number of each class, with a note if they are not in alphabetical order.

        Raises:
            InputError: Two folders are the same number.
        """
        if self.numbering == "alphabetical":
            return _alphabetical(names), []
        numbers = imagenet_numbers()
        others = [name for name in names if name not in numbers]
        if not others and names:
            note = (
                f"{path}: the folders are WordNet ids, so classes have ImageNet's numbers; the "
                "setting numbering=alphabetical counts them from 0"
            )
            in_order = len(names) == len(numbers)
            return {name: numbers[name] for name in names}, [] if in_order else [note]
        if self.numbering == "imagenet":
            raise InputError(f"{path}: {others[:1] or 'none'} is not among ImageNet's WordNet ids")
        if names and all(map(NUMBER.fullmatch, names)):
            return _numbered(names, path)
        note = f"{path}: WordNet ids outside of ImageNet's 1000, so classes are numbered from 0"
        return _alphabetical(names), [note] if all(map(WNID.fullmatch, names)) and names else []


def _alphabetical(names: list[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(names)}


def _numbered(names: list[str], path: Path) -> tuple[dict[str, int], list[str]]:
    numbers = {name: int(name) for name in names}
    if len(set(numbers.values())) < len(names):
        raise InputError(f"{path}: two of the folders are the same number: {', '.join(names)[:80]}")
    note = (
        f"{path}: the folders are the numbers of the classes; the setting numbering=alphabetical "
        "counts them from 0 in alphabetical order"
    )
    return numbers, [] if numbers == _alphabetical(names) else [note]
