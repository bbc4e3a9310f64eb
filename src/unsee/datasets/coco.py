"""Instance annotations of COCO."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool
from numpy.typing import NDArray
from torch import Tensor

from unsee.datasets.base import (
    CONTENT_ERRORS,
    Boxes,
    Dataset,
    Sample,
    check_samples,
    clip_boxes,
    file_reader,
    parse_boxes,
    require,
)
from unsee.errors import InputError

__all__ = ["COCO"]

Segmentation = list[list[float]] | dict[str, Any]
"""Outline of an object: polygons, or a run-length encoding (RLE) with `size` and `counts`."""


@dataclass(frozen=True)
class COCO(Dataset):
    """COCO: `annotations/instances_SPLIT.json` and `SPLIT/`; one sample per photo and category.

    Lin et al., "Microsoft COCO: Common Objects in Context", ECCV 2014. Categories are numbered in
    the order of their ids. Outlines are read from polygons and from run-length encodings.
    """

    split: str = "val2017"
    """Name of the folder of photos."""
    crowds: bool = False
    """Whether to include crowds: groups of objects that are annotated as one region (`iscrowd`),
    with one box and one outline around the group. COCO's own evaluation ignores them."""

    def recognises(self, path: Path) -> bool:
        """Return whether the annotations of the split exist."""
        return self._annotations(path).is_file()

    def _annotations(self, path: Path) -> Path:
        return path / "annotations" / f"instances_{self.split}.json"

    def samples(self, path: Path) -> list[Sample]:
        """Return the samples in the order of the photos' ids, then of the categories."""
        annotations = require(self._annotations(path), "the annotations")
        try:
            content = json.loads(annotations.read_text("utf-8"))
            categories = sorted(category["id"] for category in content["categories"])
            index = {category: number for number, category in enumerate(categories)}
            objects: dict[tuple[int, int], list[dict[str, Any]]] = {}
            for entry in content["annotations"]:
                if self.crowds or not entry.get("iscrowd"):
                    key = entry["image_id"], index[entry["category_id"]]
                    objects.setdefault(key, []).append(entry)
            photos = {photo["id"]: photo for photo in content["images"]}
            samples = [
                self._sample(path, photos[image], target, objects[image, target])
                for image, target in sorted(objects)
            ]
        except InputError:
            raise
        except CONTENT_ERRORS as error:
            raise InputError(f"{annotations}: not COCO's annotations: {error!r}") from error
        return check_samples(samples, path)

    def _sample(
        self, path: Path, photo: dict[str, Any], target: int, entries: list[dict[str, Any]]
    ) -> Sample:
        file = require(path / self.split / photo["file_name"], "a photo of the annotations")
        size = (int(photo["height"]), int(photo["width"]))
        corners = parse_boxes([entry["bbox"] for entry in entries], str(file))
        corners = corners[(corners[:, 2:] > 0).all(1)]  # a few of COCO's boxes have no width
        boxes: Boxes = torch.cat([corners[:, :2], corners[:, :2] + corners[:, 2:]], 1)
        boxes = clip_boxes(boxes, size[1], size[0], str(file))
        outlines = [entry["segmentation"] for entry in entries if entry.get("segmentation")]
        outline = _union(outlines, size) if outlines else None
        return Sample(f"{photo['id']}-{target}", file_reader(file), target, boxes, size, outline)


def _union(
    outlines: list[Segmentation], size: tuple[int, int]
) -> Callable[[], Bool[Tensor, "height width"]]:
    """Return a function that draws the union of all outlines."""

    def draw() -> Bool[Tensor, "height width"]:
        mask = np.zeros(size, bool)
        for outline in outlines:
            mask |= _decode(outline, size) if isinstance(outline, dict) else _fill(outline, size)
        return torch.from_numpy(mask)

    return draw


def _fill(polygons: list[list[float]], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the mask of the pixels whose centres lie within any of the polygons.

    `pycocotools.mask.frPyObjects` rounds polygons to the pixel grid and would include pixels
    whose centres are outside.
    """
    from skimage.draw import polygon2mask

    mask = np.zeros(size, bool)
    for polygon in polygons:
        corners = np.asarray(polygon, float).reshape(-1, 2)[:, ::-1] - 0.5
        mask |= polygon2mask(size, corners)
    return mask


def _decode(rle: dict[str, Any], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the mask of a run-length encoding, compressed (text) or not (a list of counts)."""
    from pycocotools import mask as coco_mask

    if tuple(rle["size"]) != size:
        raise InputError(f"expected an outline of {size} pixels, got {tuple(rle['size'])}")
    if isinstance(rle["counts"], list):
        rle = coco_mask.frPyObjects(rle, *size)
    mask: NDArray[np.bool_] = coco_mask.decode(rle).astype(bool)
    return mask
