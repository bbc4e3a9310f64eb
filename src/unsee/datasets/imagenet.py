"""Validation photos of ImageNet, as they are distributed."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import torch

from unsee.datasets._checks import Boxes, parse_boxes
from unsee.datasets._imagenet import imagenet_classes, imagenet_numbers
from unsee.datasets._xml import read_annotation
from unsee.datasets.base import Dataset, Samples, check_samples, sample_of
from unsee.errors import InputError, as_input_error
from unsee.images import finding
from unsee.storage import files

__all__ = ["ImageNet"]

MAPPING, SOLUTION = "LOC_synset_mapping.txt", "LOC_val_solution.csv"


@dataclass(frozen=True)
class ImageNet(Dataset):
    """ILSVRC-2012 validation: photos in one folder or one per class, boxes from CSV or XML.

    Russakovsky et al., "ImageNet Large Scale Visual Recognition Challenge", IJCV 2015. Expects
    `val/` (or Kaggle's `ILSVRC/Data/CLS-LOC/val/`), `LOC_synset_mapping.txt`, and for boxes
    `LOC_val_solution.csv` or `Annotations/CLS-LOC/val/*.xml`. Boxes of XML files are scaled to
    photos that are stored at another size than they were annotated at.
    """

    def recognises(self, path: Path) -> bool:
        """Return whether there are validation photos, and what numbers their classes."""
        if not files.is_folder(path) or _photo_folder(path) is None:
            return False
        folders = _class_folders(path)
        return files.is_file(path / MAPPING) or set(folders) == imagenet_numbers().keys()

    def samples(self, path: Path) -> Samples:
        """Return every validation photo in alphabetical order; all must be labelled."""
        folder = _photo_folder(path)
        if folder is None:
            raise InputError(f"{path}: expected the validation photos in val/")
        index = _class_indices(path)
        solution = _read_solution(path / SOLUTION)
        samples = []
        inside = finding.search(folder)
        for photo in inside.photos:
            wnid, boxes, size = _annotation(photo, folder, path, solution)
            if wnid not in index:
                raise InputError(
                    f"{photo}: unknown class {wnid!r}" if wnid else f"{photo}: no label"
                )
            samples.append(sample_of(photo, photo.name, index[wnid], boxes, size=size))
        return check_samples(
            samples, path, notes=inside.notes(folder), classes=imagenet_classes(), of_imagenet=True
        )


def _photo_folder(path: Path) -> Path | None:
    folders = (path / "val", path / "ILSVRC" / "Data" / "CLS-LOC" / "val")
    return next((folder for folder in folders if files.is_folder(folder)), None)


def _annotation_folder(path: Path) -> Path | None:
    folders = (root / "Annotations" / "CLS-LOC" / "val" for root in (path, path / "ILSVRC"))
    return next((folder for folder in folders if files.is_folder(folder)), None)


def _class_folders(path: Path) -> list[str]:
    folder = _photo_folder(path)
    return finding.subfolders(folder) if folder else []


def _class_indices(path: Path) -> dict[str, int]:
    """Return each class's index by WordNet id; raise `InputError` for other classes."""
    if files.is_file(path / MAPPING):
        lines = files.read_text(path / MAPPING, "list of classes").splitlines()
        names = [line.split()[0] for line in lines if line.strip()]
    else:
        names = _class_folders(path)
    index = imagenet_numbers()
    if set(names) != index.keys():
        raise InputError(
            f"{path}: {len(names)} classes; expected {MAPPING} with the WordNet ids of ImageNet's "
            f"{len(index)} classes, or one folder for each of them"
        )
    return index


def _read_solution(path: Path) -> dict[str, tuple[str, Boxes]]:
    """Return class and boxes by photo from Kaggle's table; nothing if it does not exist."""
    if not files.is_file(path):
        return {}
    solution = {}
    rows = csv.DictReader(io.StringIO(files.read_text(path, "table of boxes"), newline=""))
    with as_input_error(f"{path}: not a table that can be read"):
        for line, row in enumerate(rows, 2):
            words = (row.get("PredictionString") or "").split()
            if not row.get("ImageId") or not words:
                raise InputError(
                    f"{path}, line {line}: expected ImageId,PredictionString with a class and a box"
                )
            boxes = [words[i + 1 : i + 5] for i in range(0, len(words), 5)]
            solution[row["ImageId"]] = words[0], parse_boxes(boxes, f"{path}, line {line}")
    return solution


def _annotation(
    photo: Path, folder: Path, path: Path, solution: dict[str, tuple[str, Boxes]]
) -> tuple[str, Boxes, tuple[int, int] | None]:
    """Return a photo's class, its boxes and the size that they refer to (None: the photo's)."""
    folder_class = photo.parent.name if photo.parent != folder else ""
    annotations = _annotation_folder(path)
    xml = annotations / f"{photo.stem}.xml" if annotations else None
    if xml is not None and files.is_file(xml):
        size, boxes = read_annotation(xml)
        wnid = folder_class or next(iter(boxes), "")
        return wnid, boxes.get(wnid, torch.zeros(0, 4)), size
    if photo.stem in solution:
        wnid, rows = solution[photo.stem]
        return wnid, rows, None
    return folder_class, torch.zeros(0, 4), None
