"""Pascal VOC."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Bool
from torch import Tensor

from unsee.datasets._xml import read_annotation
from unsee.datasets.base import Dataset, Sample, Samples, check_samples, named, sample_of
from unsee.images import reading
from unsee.storage import files

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
    difficult: bool = False
    """Whether to include objects that are marked as difficult. The challenge ignores them; a photo
    whose only object of a class is difficult has no sample of that class."""

    def recognises(self, path: Path) -> bool:
        """Return whether the folders of photos and annotations exist."""
        return all(files.is_folder(path / name) for name in ("JPEGImages", "Annotations"))

    def samples(self, path: Path) -> Samples:
        """Return the samples in the order of the list, then of the classes."""
        listed = path / "ImageSets" / "Main" / f"{self.split}.txt"
        samples: list[Sample] = []
        missing: list[str] = []
        for line in files.read_text(listed, "list of photos").splitlines():
            name = line.split()[0] if line.split() else ""
            if not name:
                continue
            files.check_relative(name, listed)
            if files.is_file(path / "JPEGImages" / f"{name}.jpg"):
                samples += self._of_photo(path, name)
            else:
                missing.append(f"{name}.jpg")
        return check_samples(samples, path, missing=missing, classes=named(CLASSES))

    def _of_photo(self, path: Path, name: str) -> list[Sample]:
        photo = path / "JPEGImages" / f"{name}.jpg"
        annotation = path / "Annotations" / f"{name}.xml"
        size, boxes = read_annotation(annotation, first_pixel=1, difficult=self.difficult)
        segments = path / "SegmentationClass" / f"{name}.png"
        has_outline = files.is_file(segments)
        return [
            sample_of(
                photo, f"{name}-{label}", target, boxes[label], size=size,
                outline=_outline(segments, target + 1) if has_outline else None,
            )
            for target, label in enumerate(CLASSES)
            if label in boxes
        ]  # fmt: skip


def _outline(path: Path, value: int) -> Callable[[], Bool[Tensor, "height width"]]:
    """Return a function that reads the mask of a class from a palette picture.

    Borders between objects have the value 255 and belong to no class.
    """
    return lambda: torch.from_numpy(reading.read_indices(path) == value)
