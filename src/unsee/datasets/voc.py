"""Pascal VOC."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool
from PIL import Image
from torch import Tensor

from unsee.datasets._xml import objects
from unsee.datasets.base import Dataset, Sample, needed, reader, unique

__all__ = ["VOC"]

CLASSES = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train",
    "tvmonitor",
)  # fmt: skip


@dataclass(frozen=True)
class VOC(Dataset):
    """VOC2007 or VOC2012: a sample for each photo and class that is on it.

    `JPEGImages/`, `Annotations/`, `ImageSets/Main/SPLIT.txt`; outlines from `SegmentationClass/`.
    Classes are numbered in alphabetical order.
    """

    split: str = "val"
    """Name of the list in ImageSets/Main."""

    def recognises(self, path: Path) -> bool:
        """Whether photos and annotations are there."""
        return (path / "JPEGImages").is_dir() and (path / "Annotations").is_dir()

    def samples(self, path: Path) -> list[Sample]:
        """In the order of the list, then of the classes."""
        listed = needed(path / "ImageSets" / "Main" / f"{self.split}.txt", "the list of photos")
        found = []
        for line in listed.read_text("utf-8").splitlines():
            name = line.split()[0] if line.split() else ""
            if not name:
                continue
            photo = needed(path / "JPEGImages" / f"{name}.jpg", "a photo of the list")
            noted = needed(path / "Annotations" / f"{name}.xml", "its annotation")
            size, boxes = objects(noted, first=1)
            segments = path / "SegmentationClass" / f"{name}.png"
            for number, kind in enumerate(CLASSES):
                if kind not in boxes:
                    continue
                outline = _outline(segments, number + 1) if segments.exists() else None
                known = Sample(f"{name}-{kind}", reader(photo), number, boxes[kind], size, outline)
                found.append(known)
        return unique(found, path)


def _outline(path: Path, value: int) -> Callable[[], Bool[Tensor, "height width"]]:
    """The pixels of a class in a palette picture; 255 is nobody's border."""

    def read() -> Bool[Tensor, "height width"]:
        with Image.open(path) as picture:
            return torch.from_numpy(np.asarray(picture) == value)

    return read
