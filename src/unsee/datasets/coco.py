"""Instance annotations of COCO."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from unsee.datasets._checks import Boxes, check_size, clip_boxes, parse_boxes
from unsee.datasets._coco_outlines import Outline
from unsee.datasets.base import Dataset, Names, Sample, Samples, check_samples, sample_of
from unsee.errors import as_input_error
from unsee.storage import files

__all__ = ["COCO"]

MAX_BYTES = 2**30
"""Size of the largest file of annotations; COCO's own have up to 450 MB."""


@dataclass(frozen=True)
class COCO(Dataset):
    """COCO: `annotations/instances_SPLIT.json` and `SPLIT/`; one sample per photo and category.

    Lin et al., "Microsoft COCO: Common Objects in Context", ECCV 2014. Categories are numbered in
    the order of their ids. Outlines are read from polygons and from run-length encodings; an object
    without an outline, or with one that encloses no pixel, is the inside of its box.
    """

    split: str = "val2017"
    """Name of the folder of photos."""
    crowds: bool = False
    """Whether to include crowds: groups of objects that are annotated as one region (`iscrowd`),
    with one box and one outline around the group. COCO's own evaluation ignores them."""

    def recognises(self, path: Path) -> bool:
        """Return whether the annotations of the split exist."""
        return files.is_file(self._annotations(path))

    def _annotations(self, path: Path) -> Path:
        return path / "annotations" / f"instances_{self.split}.json"

    def samples(self, path: Path) -> Samples:
        """Return the samples in the order of the photos' ids, then of the categories."""
        annotations = self._annotations(path)
        content = files.read_json(annotations, "file of annotations", MAX_BYTES)
        samples: list[Sample] = []
        missing: dict[str, None] = {}
        with as_input_error(f"{annotations}: not COCO's annotations"):
            categories = sorted(content["categories"], key=lambda category: category["id"])
            index = {category["id"]: number for number, category in enumerate(categories)}
            objects: dict[tuple[int, int], list[dict[str, Any]]] = {}
            for entry in content["annotations"]:
                if self.crowds or not entry.get("iscrowd"):
                    key = entry["image_id"], index[entry["category_id"]]
                    objects.setdefault(key, []).append(entry)
            photos = {photo["id"]: photo for photo in content["images"]}
            for image, target in sorted(objects):
                name = files.check_relative(photos[image]["file_name"], annotations)
                if files.is_file(path / self.split / name):
                    file = path / self.split / name
                    samples.append(_sample(file, photos[image], target, objects[image, target]))
                else:
                    missing[name] = None
            classes = _names(categories)
        return check_samples(samples, path, missing=list(missing), classes=classes)


def _names(categories: list[dict[str, Any]]) -> Names:
    """Return the categories with their names; an annotation may leave them out."""
    names = (category.get("name") for category in categories)
    return {i: (name,) if isinstance(name, str) else () for i, name in enumerate(names)}


def _sample(
    file: Path, photo: dict[str, Any], target: int, entries: list[dict[str, Any]]
) -> Sample:
    size = check_size(photo["height"], photo["width"], file)
    corners = parse_boxes([entry["bbox"] for entry in entries], str(file))
    corners = torch.cat([corners[:, :2], corners[:, :2] + corners[:, 2:]], 1)
    has_area = (corners[:, 2:] > corners[:, :2]).all(1)  # a few of COCO's boxes have no width
    boxes: Boxes = clip_boxes(corners[has_area], size[1], size[0], str(file))
    shapes = [entry.get("segmentation") or None for entry in entries]
    outline = Outline(shapes, corners.tolist(), size) if any(shapes) else None
    if outline is not None:
        outline.check(file)
    id = f"{photo['id']}-{target}"
    return sample_of(file, id, target, boxes, size=size, outline=outline)
