"""Boxes in the XML of Pascal VOC, which ImageNet uses too."""

from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import torch

from unsee.datasets.base import Boxes, checked
from unsee.errors import InputError


class Objects(NamedTuple):
    """What one file says."""

    size: tuple[int, int]
    """Height and width of the photo that was annotated."""
    boxes: dict[str, Boxes]
    """By the name of the class."""


def objects(path: Path, first: int = 0) -> Objects:
    """All objects of an annotation; `first` is the number of the first pixel, which boxes include.

    Raises `InputError` for a file that is no such annotation, and for boxes outside of the photo.
    """
    try:
        root = ElementTree.parse(path).getroot()
        size = round(_number(root, "size/height")), round(_number(root, "size/width"))
        found: dict[str, list[list[float]]] = {}
        for entry in root.iter("object"):
            corners = [
                _number(entry, f"bndbox/{edge}") for edge in ("xmin", "ymin", "xmax", "ymax")
            ]
            corners[:2] = [corner - first for corner in corners[:2]]
            found.setdefault(entry.findtext("name", ""), []).append(corners)
    except (OSError, ElementTree.ParseError, ValueError) as error:
        raise InputError(f"cannot read the annotation {path}: {error}") from error
    boxes = {
        name: checked(torch.tensor(rows), size[1], size[0], str(path))
        for name, rows in found.items()
    }
    return Objects(size, boxes)


def _number(root: ElementTree.Element, place: str) -> float:
    text = root.findtext(place)
    if text is None:
        raise ValueError(f"no {place}")
    return float(text)
