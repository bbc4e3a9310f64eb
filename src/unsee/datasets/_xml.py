"""Bounding boxes from XML annotations in the format of Pascal VOC, which ImageNet uses too."""

from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import torch

from unsee.datasets.base import Boxes, clip_boxes
from unsee.errors import InputError


class Annotation(NamedTuple):
    """The objects of one photo."""

    size: tuple[int, int]
    """Height and width of the annotated photo in pixels."""
    boxes: dict[str, Boxes]
    """Boxes by class name."""


def read_annotation(path: Path, first_pixel: int = 0) -> Annotation:
    """Read all objects of an annotation file.

    Args:
        path: The XML file.
        first_pixel: Coordinate of the upper left pixel in the file: 0, or 1 for Pascal VOC.

    Raises:
        InputError: The file is not such an annotation, or a box lies outside of the photo.
    """
    try:
        root = ElementTree.parse(path).getroot()
        size = round(_number(root, "size/height")), round(_number(root, "size/width"))
        corners: dict[str, list[list[float]]] = {}
        for entry in root.iter("object"):
            edges = [_number(entry, f"bndbox/{edge}") for edge in ("xmin", "ymin", "xmax", "ymax")]
            edges[:2] = [edge - first_pixel for edge in edges[:2]]
            corners.setdefault(entry.findtext("name", ""), []).append(edges)
    except (OSError, ElementTree.ParseError, ValueError) as error:
        raise InputError(f"cannot read the annotation {path}: {error}") from error
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
