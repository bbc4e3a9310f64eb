"""Annotations of data sets: JSON of annotated folders and of COCO."""

import json
from functools import partial

from tests.hostile.cases import ACCEPTED, EITHER, REFUSED, REST, case, evaluate

FAMILY = "annotations"
DEEP = "[" * 100_000 + "]" * 100_000
LONG = "9" * 5000
BOX = [1, 1, 20, 20]
TEXTS = {
    "nothing": "",
    "only a space": " ",
    "deep lists": DEEP,
    "deep objects": '{"a":' * 50_000 + "1" + "}" * 50_000,
    "not a list": '{"file": "good.png"}',
    "null": "null",
    "a number": "3",
    "a number of 5000 digits": LONG,
    "NaN": "NaN",
    "list of null": "[null]",
    "list of lists": "[[]]",
    "an empty list": "[]",
    "an open list": '[{"file": "good.png"}',
    "comments": '// x\n[{"file": "good.png"}]',
    "python": "[{'file': 'good.png'}]",
}
"""What a file of annotations holds in place of a list of photos."""
BYTES = {
    "latin-1": '[{"file": "caf\xe9.png"}]'.encode("latin-1"),
    "utf-16 without a mark": '[{"file": "good.png"}]'.encode("utf-16-le"),
    "noise": bytes(range(256)),
    "a null character in a name": b'[{"file": "a\\u0000.png"}]',
    "a lone surrogate in a name": b'[{"file": "\\ud800.png"}]',
    "a name of 100000 characters": b'[{"file": "' + b"x" * 100_000 + b'"}]',
}
ENTRIES = {
    "absolute path": {"file": "OUTSIDE", "index": 0},
    "path that leads out": {"file": "../../outside.png", "index": 0},
    "path of windows that leads out": {"file": "..\\..\\x.png"},
    "an empty name": {"file": ""},
    "a name that is a number": {"file": 3},
    "a name that is a list": {"file": ["good.png"]},
    "no name": {"index": 1},
    "class -1": {"file": "good.png", "index": -1},
    "class 1.5": {"file": "good.png", "index": 1.5},
    "class true": {"file": "good.png", "index": True},
    "class as text": {"file": "good.png", "index": "1"},
    "class of 25 digits": {"file": "good.png", "index": 10**25},
    "boxes as text": {"file": "good.png", "index": 0, "boxes": "abc"},
    "boxes as a number": {"file": "good.png", "index": 0, "boxes": 5},
    "box of three": {"file": "good.png", "index": 0, "boxes": [[1, 2, 3]]},
    "box of text": {"file": "good.png", "index": 0, "boxes": [["a", "b", "c", "d"]]},
    "box of null": {"file": "good.png", "index": 0, "boxes": [[None] * 4]},
    "box of lists": {"file": "good.png", "index": 0, "boxes": [[[1], [2], [3], [4]]]},
    "box of 400 digits": {"file": "good.png", "index": 0, "boxes": [[0, 0, 10**400, 5]]},
    "width of 0": {"file": "good.png", "index": 0, "boxes": [BOX], "width": 0, "height": 10},
    "width of -5": {"file": "good.png", "index": 0, "boxes": [BOX], "width": -5, "height": 10},
    "width as text": {"file": "good.png", "index": 0, "boxes": [BOX], "width": "w", "height": 10},
    "width true": {"file": "good.png", "index": 0, "boxes": [BOX], "width": True, "height": True},
    "mask as a number": {"file": "good.png", "index": 0, "mask": 5},
    "mask that is missing": {"file": "good.png", "index": 0, "mask": "none.png"},
    "mask that leads out": {"file": "good.png", "index": 0, "mask": "../../outside.png"},
    "mask that is absolute": {"file": "good.png", "index": 0, "mask": "OUTSIDE"},
    "class 99 of 5": {"file": "good.png", "index": 99},
}
"""One entry, beside a good one."""
RAW_BOXES = {
    "NaN": "[[NaN, 1, 2, 3]]", "infinity": "[[0, 0, Infinity, 10]]",
    "minus infinity": "[[-Infinity, 0, 5, 5]]", "1e999": "[[0, 0, 1e999, 5]]",
}  # fmt: skip
PER_PHOTO = {
    "box outside": {"file": "bad.png", "index": 0, "boxes": [[500, 500, 600, 600]]},
    "box with swapped corners": {"file": "bad.png", "index": 0, "boxes": [[20, 20, 5, 5]]},
    "box without area": {"file": "bad.png", "index": 0, "boxes": [[5, 5, 5, 5]]},
    "size of a rotated photo": {
        "file": "bad.png", "index": 0, "boxes": [BOX], "width": 40, "height": 4000,
    },
}  # fmt: skip
"""Entries that are wrong only together with their photo."""


def _annotated(arena, content: bytes | str):
    arena.photo("data/good.png")
    if isinstance(content, str):
        content = content.replace("OUTSIDE", str(arena.outside))
    arena.write("data/annotations.json", content)
    return evaluate("annotated:data", metric="pointing_game")


for _name, _content in (TEXTS | BYTES).items():
    case(FAMILY, f"annotated: {_name}")(partial(_annotated, content=_content))
for _name, _entry in ENTRIES.items():
    _list = json.dumps([{"file": "good.png", "index": 0, "boxes": [BOX]}, _entry])
    case(FAMILY, f"annotated: {_name}")(partial(_annotated, content=_list))
for _name, _boxes in RAW_BOXES.items():
    _list = f'[{{"file": "good.png", "index": 0, "boxes": {_boxes}}}]'
    case(FAMILY, f"annotated: box with {_name}", EITHER)(partial(_annotated, content=_list))


def _per_photo(arena, entry):
    arena.photo("data/good.png")
    arena.photo("data/bad.png")
    good = {"file": "good.png", "index": 0, "boxes": [BOX]}
    arena.write("data/annotations.json", json.dumps([good, entry]))
    return evaluate("annotated:data", metric="pointing_game")


for _name, _entry in PER_PHOTO.items():
    case(FAMILY, f"annotated: {_name}", REST)(partial(_per_photo, entry=_entry))


LEFT_OUT = {
    "a folder": {"file": "."},
    "a missing photo": {"file": "none.png"},
    "a long name": {"file": "x" * 100_000},
}
"""Photos that do not exist are left out, and counted in a note."""
for _name, _entry in LEFT_OUT.items():
    _list = json.dumps([{"file": "good.png", "index": 0, "boxes": [BOX]}, _entry])
    case(FAMILY, f"annotated: {_name}", ACCEPTED)(partial(_annotated, content=_list))


@case(FAMILY, "annotated: a byte order mark", ACCEPTED)
def _(arena):
    return _annotated(arena, b"\xef\xbb\xbf" + b'[{"file": "good.png", "index": 0}]')


@case(FAMILY, "annotated: utf-16 with a mark", ACCEPTED)
def _(arena):
    return _annotated(arena, '[{"file": "good.png", "index": 0}]'.encode("utf-16"))


@case(FAMILY, "annotated: the same photo twice")
def _(arena):
    return _annotated(arena, json.dumps([{"file": "good.png", "index": 0}] * 2))


@case(FAMILY, "annotated: a million entries of nothing")
def _(arena):
    return _annotated(arena, "[" + ",".join(["{}"] * 10**6) + "]")


@case(FAMILY, "annotated: a link out of the folder", EITHER)
def _(arena):
    (arena.work / "data").mkdir()
    (arena.work / "data" / "link.png").symlink_to(arena.outside)
    return _annotated(arena, '[{"file": "link.png", "index": 0}]')


COCO = {
    "categories": [{"id": 1, "name": "a"}],
    "images": [{"id": 1, "file_name": "1.png", "width": 48, "height": 40}],
    "annotations": [{"image_id": 1, "category_id": 1, "bbox": [1, 1, 9, 9], "iscrowd": 0}],
}
CHANGES = {
    "no categories": ("categories", []),
    "categories null": ("categories", None),
    "category ids of two types": ("categories", [{"id": 1}, {"id": "b"}]),
    "images null": ("images", None),
    "images as text": ("images", "abc"),
    "no images": ("images", []),
    "photo that leads out": ("images.0.file_name", "../../../outside.png"),
    "photo with an absolute path": ("images.0.file_name", "OUTSIDE"),
    "photo named by a number": ("images.0.file_name", 7),
    "photo that is missing": ("images.0.file_name", "none.png"),
    "width as text": ("images.0.width", "x"),
    "width NaN": ("images.0.width", float("nan")),
    "width infinite": ("images.0.width", float("inf")),
    "width 0": ("images.0.width", 0),
    "width -1": ("images.0.width", -1),
    "box null": ("annotations.0.bbox", None),
    "box NaN": ("annotations.0.bbox", [float("nan"), 1, 9, 9]),
    "box of three": ("annotations.0.bbox", [1, 1, 9]),
    "box of 400 digits": ("annotations.0.bbox", [1, 1, 10**400, 9]),
    "unknown category": ("annotations.0.category_id", 9),
    "category that is a list": ("annotations.0.category_id", [1]),
    "unknown photo": ("annotations.0.image_id", 9),
    "no annotations": ("annotations", []),
    "annotations of text": ("annotations", ["abc"]),
    "a whole number in place of all": ("", 5),
    "a list in place of all": ("", []),
}
OUTLINES = {
    "outline of one number": [[1]],
    "outline of three numbers": [[1, 2, 3]],
    "outline of text": [["a", "b", "c", "d", "e", "f"]],
    "outline of NaN": [[float("nan")] * 6],
    "outline of 1e300": [[1e300, 0, 0, 1e300, 5, 5]],
    "run lengths as a number": {"size": [40, 48], "counts": 7},
    "run lengths of noise": {"size": [40, 48], "counts": "\x00\xff garbage"},
    "run lengths that are negative": {"size": [40, 48], "counts": [-5, 100]},
    "run lengths that are too many": {"size": [40, 48], "counts": [10**9, 10**9]},
    "run lengths of another size": {"size": [10**9, 10**9], "counts": [1]},
    "run lengths without a size": {"counts": [1]},
}


def coco(arena, place: str, value, metric="pointing_game"):
    """Write COCO's annotations with one value replaced."""
    content = json.loads(json.dumps(COCO))
    if not place:
        content = value
    *path, last = place.split(".") if place else (None,)
    at = content
    for key in path:
        at = at[int(key)] if key.isdigit() else at[key]
    if place:
        at[last] = value
    arena.photo("data/val2017/1.png")
    text = json.dumps(content).replace("OUTSIDE", str(arena.outside))
    arena.write("data/annotations/instances_val2017.json", text)
    return evaluate("coco:data", metric=metric, target="top1")


for _name, (_place, _value) in CHANGES.items():
    case(FAMILY, f"coco: {_name}")(partial(coco, place=_place, value=_value))
for _name, _value in OUTLINES.items():
    case(FAMILY, f"coco: {_name}", REFUSED)(
        partial(
            coco, place="annotations.0.segmentation", value=_value, metric="energy_pointing_game"
        )
    )


@case(FAMILY, "coco: a size of a billion pixels a side with an outline")
def _(arena):
    def sized(content):
        content["images"][0] |= {"width": 10**9, "height": 10**9}
        content["annotations"][0]["segmentation"] = [[1, 1, 9, 1, 9, 9]]
        return content

    return coco(arena, "", sized(json.loads(json.dumps(COCO))), "energy_pointing_game")


@case(FAMILY, "coco: deep")
def _(arena):
    arena.write("data/annotations/instances_val2017.json", DEEP)
    return evaluate("coco:data")


@case(FAMILY, "coco: not UTF-8")
def _(arena):
    arena.write("data/annotations/instances_val2017.json", b'{"categories": "\xff"}')
    return evaluate("coco:data")
