"""COCO's instances."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from unsee.datasets.base import (
    WRONG,
    Boxes,
    Dataset,
    Sample,
    boxes_of,
    checked,
    needed,
    reader,
    unique,
)
from unsee.errors import InputError

__all__ = ["COCO"]


@dataclass(frozen=True)
class COCO(Dataset):
    """`annotations/instances_SPLIT.json` and `SPLIT/`: a sample for each photo and category on it.

    Categories are numbered in the order of their ids, crowds are left out, outlines are polygons.
    """

    split: str = "val2017"
    """Name of the folder of photos."""

    def recognises(self, path: Path) -> bool:
        """Whether the annotations of the split are there."""
        return self._list(path).is_file()

    def _list(self, path: Path) -> Path:
        return path / "annotations" / f"instances_{self.split}.json"

    def samples(self, path: Path) -> list[Sample]:
        """In the order of the photos' ids, then of the categories."""
        listed = needed(self._list(path), "the annotations")
        try:
            content = json.loads(listed.read_text("utf-8"))
            categories = sorted(category["id"] for category in content["categories"])
            index = {category: number for number, category in enumerate(categories)}
            by_photo: dict[tuple[int, int], list[dict[str, Any]]] = {}
            for entry in content["annotations"]:
                if not entry.get("iscrowd"):
                    key = entry["image_id"], index[entry["category_id"]]
                    by_photo.setdefault(key, []).append(entry)
            photos = {photo["id"]: photo for photo in content["images"]}
            found = [
                self._sample(path, photos[image], number, by_photo[image, number])
                for image, number in sorted(by_photo)
            ]
        except WRONG as error:
            raise InputError(f"{listed}: not COCO's annotations: {error!r}") from error
        return unique(found, path)

    def _sample(
        self, path: Path, photo: dict[str, Any], number: int, entries: list[dict[str, Any]]
    ) -> Sample:
        place = needed(path / self.split / photo["file_name"], "a photo of the annotations")
        size = (int(photo["height"]), int(photo["width"]))
        corners = boxes_of([entry["bbox"] for entry in entries], str(place))
        corners = corners[(corners[:, 2:] > 0).all(1)]  # some of COCO's have no width
        boxes: Boxes = torch.cat([corners[:, :2], corners[:, :2] + corners[:, 2:]], 1)
        boxes = checked(boxes, size[1], size[0], str(place))
        polygons = [p for entry in entries for p in entry.get("segmentation") or []]
        whole = all(isinstance(polygon, list) for polygon in polygons)
        outline = _outline(polygons, size) if polygons and whole else None
        return Sample(f"{photo['id']}-{number}", reader(place), number, boxes, size, outline)


def _outline(
    polygons: list[list[float]], size: tuple[int, int]
) -> Callable[[], Bool[Tensor, "height width"]]:
    """The pixels whose centres lie within any of the polygons."""

    def draw() -> Bool[Tensor, "height width"]:
        from skimage.draw import polygon2mask

        inside = np.zeros(size, bool)
        for polygon in polygons:
            corners = np.asarray(polygon, float).reshape(-1, 2)[:, ::-1] - 0.5
            inside |= polygon2mask(size, corners)
        return torch.from_numpy(inside)

    return draw
