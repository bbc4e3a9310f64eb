import contextlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from pycocotools import mask as coco_mask

from tests.damage import damaged
from tests.datasets.conftest import save
from unsee import InputError
from unsee.datasets._coco_outlines import decode
from unsee.datasets._loading import load_data
from unsee.registry import create

# pycocotools 2.0.11 does not follow numpy 2's signature of __array__
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
SIZE = (80, 120)
POLYGON = {
    "image_id": 7, "category_id": 90, "bbox": [20, 16, 40, 32],
    "segmentation": [[20, 16, 60, 16, 60, 48, 20, 48]],
}  # fmt: skip
BOX = {"image_id": 7, "category_id": 3, "bbox": [0, 0, 10, 10], "iscrowd": 0}


@pytest.fixture
def coco(tmp_path, pixels):
    """A photo that is stored at half of its annotated size, and a function that annotates it."""
    save(pixels, tmp_path / "val2017" / "7.jpg")
    (tmp_path / "annotations").mkdir()

    def annotate(*annotations: dict) -> str:
        content = {
            "images": [{"id": 7, "file_name": "7.jpg", "height": SIZE[0], "width": SIZE[1]}],
            "categories": [{"id": 90, "name": "toothbrush"}, {"id": 3}],
            "annotations": list(annotations),
        }
        file = tmp_path / "annotations" / "instances_val2017.json"
        file.write_text(json.dumps(content))
        return str(tmp_path)

    return annotate


def encode(mask: np.ndarray, compressed: bool) -> dict:
    """A mask as COCO's annotation files hold it."""
    if compressed:
        rle = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
        return {**rle, "counts": rle["counts"].decode()}
    pixels = mask.ravel(order="F")
    changes = np.flatnonzero(np.diff(pixels)) + 1
    counts = np.diff([0, *changes, len(pixels)]).tolist()
    return {"size": list(mask.shape), "counts": [0, *counts] if pixels[0] else counts}


def test_one_sample_per_photo_and_category(coco) -> None:
    samples = load_data(coco(POLYGON, BOX))
    first, second = samples
    assert [(s.id, s.target) for s in (first, second)] == [("7-0", 0), ("7-1", 1)]
    assert samples.classes == {0: (), 1: ("toothbrush",)}
    assert first.boxes.shape == (1, 4)
    assert first.outline is None
    assert second.boxes_in(second.read(3)).tolist() == [[10, 8, 30, 24]]


def test_polygons_include_the_pixels_whose_centres_they_enclose(coco) -> None:
    (sample,) = load_data(coco(POLYGON))
    expected = torch.zeros(SIZE, dtype=torch.bool)
    expected[16:48, 20:60] = True
    assert torch.equal(sample.object_mask(), expected)


@pytest.mark.parametrize("compressed", [True, False])
def test_run_length_encodings_are_decoded_and_joined_with_polygons(coco, compressed) -> None:
    mask = np.zeros(SIZE, bool)
    mask[:3, :5] = True
    mask[50:70, 100:] = True
    entry = {**POLYGON, "segmentation": encode(mask, compressed)}
    (alone,) = load_data(coco(entry))
    assert torch.equal(alone.object_mask(), torch.from_numpy(mask))
    (joined,) = load_data(coco(entry, POLYGON))
    mask[16:48, 20:60] = True
    assert torch.equal(joined.object_mask(), torch.from_numpy(mask))


def test_run_length_encoding_of_another_size_is_refused(coco) -> None:
    (sample,) = load_data(coco({**POLYGON, "segmentation": encode(np.ones((4, 5)), True)}))
    with pytest.raises(InputError, match=r"expected an outline of \(80, 120\)"):
        sample.object_mask()


def test_crowds_are_ignored_unless_requested(coco) -> None:
    mask = np.zeros(SIZE, bool)
    mask[:20, :30] = True
    crowd = {**BOX, "bbox": [0, 0, 30, 20], "iscrowd": 1, "segmentation": encode(mask, False)}
    path = coco(BOX, crowd)
    (sample,) = load_data(path)
    assert sample.boxes.tolist() == [[0, 0, 10, 10]]
    assert sample.outline is None
    (with_crowd,) = create("datasets", "coco", crowds=True).samples(Path(path))
    assert with_crowd.boxes.tolist() == [[0, 0, 10, 10], [0, 0, 30, 20]]
    assert torch.equal(with_crowd.object_mask(), torch.from_numpy(mask))


def test_boxes_without_width_are_left_out(coco) -> None:
    (sample,) = load_data(coco(POLYGON, {**POLYGON, "bbox": [5, 5, 0, 9]}))
    assert sample.boxes.shape == (1, 4)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"image_id": 7, "category_id": 3}, "not COCO's annotations"),
        ({"image_id": 7, "category_id": 3, "bbox": 1}, "expected boxes"),
        ({"image_id": 8, "category_id": 3, "bbox": [0, 0, 1, 1]}, "not COCO's annotations"),
    ],
)
def test_malformed_annotations_are_refused(coco, entry, words) -> None:
    with pytest.raises(InputError, match=words):
        load_data(coco(entry))


def test_other_json_is_refused(coco, tmp_path) -> None:
    path = coco()
    (tmp_path / "annotations" / "instances_val2017.json").write_text("{}")
    with pytest.raises(InputError, match="not COCO's annotations"):
        load_data(path)


def test_an_outline_without_pixels_is_replaced_by_the_box(coco) -> None:
    line = {**POLYGON, "segmentation": [[5, 5, 7, 7]], "bbox": [5, 5, 2, 2]}
    (sample,) = load_data(coco(line))
    assert sample.object_mask().nonzero().tolist() == [[5, 5], [5, 6], [6, 5], [6, 6]]
    (joined,) = load_data(
        coco(line, POLYGON, {**POLYGON, "segmentation": [], "bbox": [0, 0, 3, 2]})
    )
    assert joined.object_mask().sum() == 4 + 32 * 40 + 6


def test_missing_photos_are_left_out_and_counted(coco, tmp_path) -> None:
    path = coco(POLYGON, BOX, {**BOX, "image_id": 8}, {**BOX, "image_id": 9})
    file = tmp_path / "annotations" / "instances_val2017.json"
    content = json.loads(file.read_text())
    for number in (8, 9):
        content["images"].append(
            {**content["images"][0], "id": number, "file_name": f"{number}.jpg"}
        )
    file.write_text(json.dumps(content))
    samples = load_data(path)
    assert len(samples) == 2
    assert "left out photos of the annotations, 2: no file 8.jpg, ..." in samples.notes[0]
    (tmp_path / "val2017" / "7.jpg").unlink()
    with pytest.raises(InputError, match=r"no photos in this data set.*no file 7\.jpg"):
        load_data(path)


@pytest.mark.parametrize("name", ["/etc/hostname", "../7.jpg", ""])
def test_photos_outside_of_the_data_set_are_refused(coco, tmp_path, name) -> None:
    path = coco(BOX)
    file = tmp_path / "annotations" / "instances_val2017.json"
    file.write_text(file.read_text().replace("7.jpg", name))
    with pytest.raises(InputError, match="leads out of the data set"):
        load_data(path)


@pytest.mark.parametrize("height", [10**9, -80, 0, 80.5, "80", None, True])
def test_unusable_sizes_are_refused(coco, tmp_path, height) -> None:
    path = coco(BOX)
    file = tmp_path / "annotations" / "instances_val2017.json"
    content = json.loads(file.read_text())
    content["images"][0]["height"] = height
    file.write_text(json.dumps(content))
    with pytest.raises(InputError, match="expected the height and width of a photo"):
        load_data(path)


@pytest.mark.parametrize(
    "segmentation",
    [
        [[20, 16, 60]],
        [["a", 1, 2, 3, 4, 5]],
        [[float("nan")] * 6],
        [20, 16, 60, 16],
        "text",
        [[1e300] * 6],
    ],
)
def test_malformed_polygons_are_refused(coco, segmentation) -> None:
    with pytest.raises(InputError, match="expected polygons"):
        load_data(coco({**POLYGON, "segmentation": segmentation}))


@pytest.mark.parametrize(
    "box", [[float("nan"), 0, 1, 1], [0, 0, float("inf"), 1], [0, 0, 1e400, 1]]
)
def test_boxes_that_are_not_finite_are_refused(coco, box) -> None:
    with pytest.raises(InputError, match="of finite numbers"):
        load_data(coco({**BOX, "bbox": box}))


@pytest.mark.parametrize(
    "counts",
    [[10**12], [-5, 80 * 120 + 5], [80 * 120 - 1], "0" * 100, "o" * 100, "\x00", "", None, [1.5]],
)
def test_malformed_run_lengths_are_refused(coco, counts) -> None:
    (sample,) = load_data(coco({**POLYGON, "segmentation": {"size": list(SIZE), "counts": counts}}))
    with pytest.raises(InputError, match="expected run"):
        sample.object_mask()


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_compressed_run_lengths_are_decoded_as_pycocotools_does(share) -> None:
    mask = np.random.default_rng(0).random(SIZE) < share
    mask[:, 20:90] = share > 0.5
    np.testing.assert_array_equal(decode(encode(mask, compressed=True), SIZE), mask)


def test_outlines_of_large_photos_are_drawn_at_half_size(coco, monkeypatch) -> None:
    mask = np.zeros(SIZE, bool)
    mask[16:48, 20:60] = True
    monkeypatch.setattr("unsee.datasets._coco_outlines.MAX_KEPT", 100)
    for entry in (POLYGON, {**POLYGON, "segmentation": encode(mask, True)}):
        (sample,) = load_data(coco(entry))
        half = sample.object_mask()
        assert torch.equal(half, torch.from_numpy(mask[::2, ::2].copy()))


def test_damaged_annotations_are_read_or_refused(coco, tmp_path) -> None:
    path = coco(POLYGON, {**BOX, "segmentation": encode(np.eye(*SIZE), True)})
    file = tmp_path / "annotations" / "instances_val2017.json"
    for variant in damaged(file.read_bytes(), 100):
        file.write_bytes(variant)
        with contextlib.suppress(InputError):
            for sample in load_data(path):
                sample.object_mask()
