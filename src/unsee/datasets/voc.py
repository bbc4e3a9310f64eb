"""Pascal VOC."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool
from PIL import Image
from torch import Tensor

from unsee.datasets._xml import read_annotation
from unsee.datasets.base import Dataset, Sample, check_samples, file_reader, require

__all__ = ["VOC"]

CLASSES = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train",
    "tvmonitor",
)  # fmt: skip


@dataclass(frozen=True)
class VOC(Dataset):
    """Pascal VOC 2007 or 2012: one sample per photo and class in it.

    Everingham et al., "The Pascal Visual Object Classes (VOC) Challenge", IJCV 2010. Expects
    `JPEGImages/`, `Annotations/` and `ImageSets/Main/SPLIT.txt`; outlines are read from
    `SegmentationClass/` where it exists. Classes are numbered in alphabetical order.
    """

    split: str = "val"
    """Name of the list of photos in ImageSets/Main."""

    def recognises(self, path: Path) -> bool:
        """Return whether the folders of photos and annotations exist."""
        return (path / "JPEGImages").is_dir() and (path / "Annotations").is_dir()

    def samples(self, path: Path) -> list[Sample]:
        """Return the samples in the order of the list, then of the classes."""
        photos = require(path / "ImageSets" / "Main" / f"{self.split}.txt", "the list of photos")
        samples = []
        for line in photos.read_text("utf-8").splitlines():
            name = line.split()[0] if line.split() else ""
            if not name:
                continue
            photo = require(path / "JPEGImages" / f"{name}.jpg", "a photo of the list")
            annotation = require(path / "Annotations" / f"{name}.xml", "its annotation")
            size, boxes = read_annotation(annotation, first_pixel=1)
            segments = path / "SegmentationClass" / f"{name}.png"
            for target, label in enumerate(CLASSES):
                if label not in boxes:
                    continue
                outline = _outline(segments, target + 1) if segments.exists() else None
                samples.append(
                    Sample(
                        f"{name}-{label}", file_reader(photo), target, boxes[label], size, outline
                    )
                )
        return check_samples(samples, path)


def _outline(path: Path, value: int) -> Callable[[], Bool[Tensor, "height width"]]:
    """Return a function that reads the mask of a class from a palette picture.

    Borders between objects have the value 255 and belong to no class.
    """

    def read() -> Bool[Tensor, "height width"]:
        with Image.open(path) as picture:
            return torch.from_numpy(np.asarray(picture) == value)

    return read
