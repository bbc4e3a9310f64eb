"""One folder of photos per class."""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

from unsee.datasets.base import Dataset, Samples, check_samples, sample_of
from unsee.errors import InputError
from unsee.images import finding

__all__ = ["ImageFolder"]

SPLITS = ("val", "valid", "validation", "test", "testing", "dev", "train", "training")
"""Names of folders that are parts of a data set rather than classes; the first one is read."""
WNID = re.compile(r"n\d{8}", re.ASCII)
"""A WordNet id, as ImageNet's folders are named."""


@dataclass(frozen=True)
class ImageFolder(Dataset):
    """One folder per class, CLASS/PHOTO; classes are numbered in alphabetical order.

    This is the layout of torchvision's `ImageFolder`. A class without photos keeps its number.
    Photos that lie directly in the folder have no label. Hidden folders and those that operating
    systems make are skipped. Folders with WordNet ids, such as n02084071, get ImageNet's numbers.
    Where the folders are splits, such as `train/` and `val/`, one split is read.
    """

    labelled: bool = True
    """Whether the folders are classes; if not, all photos are unlabelled."""
    split: str = ""
    """Folder that is read where the folders are splits; by default `val`, or `test`."""
    numbering: Literal["auto", "alphabetical", "imagenet"] = "auto"
    """Numbers of the classes: their alphabetical order, or ImageNet's 1000; `auto` is `imagenet`
    if all folders are WordNet ids of ImageNet."""

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
            empty = set(names) - {p.relative_to(top).parts[0] for p in inside.photos}
            if empty and inside.photos:
                notes.append(f"{path}: classes without photos: {', '.join(sorted(empty)[:10])}")
        notes += inside.notes(path)
        samples = []
        for photo in inside.photos:
            name = photo.relative_to(top)
            target = classes.get(name.parts[0]) if photo.parent != top else None
            samples.append(sample_of(photo, name.as_posix(), target))
        checked = check_samples(samples, path, notes=notes)
        checked.classes = tuple(classes) if classes == _alphabetical(list(classes)) else ()
        return checked

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
        """Return the number of each class, with a note if they are not in alphabetical order."""
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
        note = f"{path}: WordNet ids outside of ImageNet's 1000, so classes are numbered from 0"
        return _alphabetical(names), [note] if all(map(WNID.fullmatch, names)) and names else []


def _alphabetical(names: list[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(names)}


@cache
def imagenet_numbers() -> dict[str, int]:
    """Return the number of each of the 1000 classes of ILSVRC-2012 by WordNet id."""
    text = files("unsee.sources").joinpath("imagenet.txt").read_text(encoding="utf-8")
    return {line.split("\t")[0]: number for number, line in enumerate(text.splitlines())}
