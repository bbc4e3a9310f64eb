"""Bounding boxes from XML annotations in the format of Pascal VOC, which ImageNet uses too."""

from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import torch

from unsee.datasets._checks import Boxes, check_size, clip_boxes
from unsee.errors import as_input_error
from unsee.storage import files

MAX_BYTES = 2**24
"""Size of the largest annotation of a photo: 16 MiB."""


class Annotation(NamedTuple):
    """The objects of one photo."""

    size: tuple[int, int]
    """Height and width of the annotated photo in pixels."""
    boxes: dict[str, Boxes]
    """Boxes by class name."""


def read_annotation(path: Path, first_pixel: int = 0, *, difficult: bool = True) -> Annotation:
    """Read all objects of an annotation file.

    Args:
        path: The XML file.
        first_pixel: Coordinate of the upper left pixel in the file: 0, or 1 for Pascal VOC.
        difficult: Whether to include objects that are marked as difficult.

    Raises:
        InputError: The file is not such an annotation, or a box lies outside of the photo.
    """
    content = files.read_bytes(path, MAX_BYTES, "annotation")
    with as_input_error(f"cannot read the annotation {path}"):
        root = ElementTree.fromstring(content)
        height, width = (_number(root, f"size/{side}") for side in ("height", "width"))
        size = check_size(round(height), round(width), path)
        corners: dict[str, list[list[float]]] = {}
        for entry in root.iter("object"):
            if not difficult and entry.findtext("difficult", "0").strip() == "1":
                continue
            edges = [_number(entry, f"bndbox/{edge}") for edge in ("xmin", "ymin", "xmax", "ymax")]
            edges[:2] = [edge - first_pixel for edge in edges[:2]]
            corners.setdefault(entry.findtext("name", "").strip(), []).append(edges)
        boxes = {
            name: clip_boxes(torch.tensor(rows), size[1], size[0], str(path))
            for name, rows in corners.items()
        }
    return Annotation(size, boxes)


def _number(root: ElementTree.Element, path: str) -> float:
    text = root.findtext(path)
    if text is None:
        raise ValueError(f"no {path}")
    return float(text)
