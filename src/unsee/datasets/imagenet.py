"""ImageNet as it is distributed."""

import csv
from dataclasses import dataclass
from pathlib import Path

import torch

from unsee.datasets._xml import objects
from unsee.datasets.base import Boxes, Dataset, Sample, boxes_of, reader, unique
from unsee.errors import InputError
from unsee.images import reading

__all__ = ["ImageNet"]

MAPPING, SOLUTION = "LOC_synset_mapping.txt", "LOC_val_solution.csv"
CLASSES = 1000


@dataclass(frozen=True)
class ImageNet(Dataset):
    """ILSVRC-2012 validation: photos in one folder or one for each class, boxes from CSV or XML.

    Looks for `val/` (or Kaggle's `ILSVRC/Data/CLS-LOC/val/`), `LOC_synset_mapping.txt`, and for
    boxes `LOC_val_solution.csv` or `Annotations/CLS-LOC/val/*.xml`. Boxes are in the pixels of the
    distributed photos; photos that were made smaller since are served.
    """

    def recognises(self, path: Path) -> bool:
        """Whether there is a folder of validation photos with their labels."""
        if not path.is_dir() or _photos(path) is None:
            return False
        return (path / MAPPING).exists() or len(_wnids(path)) == CLASSES

    def samples(self, path: Path) -> list[Sample]:
        """Every validation photo that has a label."""
        folder = _photos(path)
        if folder is None:
            raise InputError(f"{path}: expected the validation photos in val/")
        index = _classes(path)
        solution = _solution(path / SOLUTION)
        found = []
        for photo in reading.find([folder]):
            wnid, boxes, size = _about(photo, folder, path, solution)
            if wnid not in index:
                raise InputError(f"{photo}: the class {wnid or 'of this photo'} is not known")
            found.append(Sample(photo.name, reader(photo), index[wnid], boxes, size))
        return unique(found, path)


def _photos(path: Path) -> Path | None:
    places = (path / "val", path / "ILSVRC" / "Data" / "CLS-LOC" / "val")
    return next((place for place in places if place.is_dir()), None)


def _annotations(path: Path) -> Path | None:
    places = (path, path / "ILSVRC")
    found = (place / "Annotations" / "CLS-LOC" / "val" for place in places)
    return next((place for place in found if place.is_dir()), None)


def _wnids(path: Path) -> list[str]:
    folder = _photos(path)
    return sorted(p.name for p in folder.iterdir() if p.is_dir()) if folder else []


def _classes(path: Path) -> dict[str, int]:
    """The number of each class: its place in the sorted list of all thousand."""
    if (path / MAPPING).exists():
        lines = (path / MAPPING).read_text(encoding="utf-8").splitlines()
        names = sorted(line.split()[0] for line in lines if line.strip())
    else:
        names = _wnids(path)
    if len(names) != CLASSES:
        raise InputError(
            f"{path}: {len(names)} classes; expected {MAPPING} with all {CLASSES}, or a folder for "
            "each, to number them"
        )
    return {name: number for number, name in enumerate(names)}


def _solution(path: Path) -> dict[str, tuple[str, Boxes]]:
    """Class and boxes of each photo, from Kaggle's table."""
    if not path.exists():
        return {}
    found = {}
    with path.open(encoding="utf-8", newline="") as file:
        for line, row in enumerate(csv.DictReader(file), 2):
            words = (row.get("PredictionString") or "").split()
            if not row.get("ImageId") or not words:
                raise InputError(
                    f"{path}, line {line}: expected ImageId,PredictionString with a class and a box"
                )
            boxes = [words[i + 1 : i + 5] for i in range(0, len(words), 5)]
            found[row["ImageId"]] = words[0], boxes_of(boxes, f"{path}, line {line}")
    return found


def _about(
    photo: Path, folder: Path, path: Path, solution: dict[str, tuple[str, Boxes]]
) -> tuple[str, Boxes, tuple[int, int] | None]:
    """Class, boxes and the size that they are given in."""
    own = photo.parent.name if photo.parent != folder else ""
    annotations = _annotations(path)
    xml = annotations / f"{photo.stem}.xml" if annotations else None
    if xml is not None and xml.exists():
        size, boxes = objects(xml)
        wnid = own or next(iter(boxes), "")
        return wnid, boxes.get(wnid, torch.zeros(0, 4)), size
    if photo.stem in solution:
        wnid, rows = solution[photo.stem]
        return wnid, rows, None
    return own, torch.zeros(0, 4), None
