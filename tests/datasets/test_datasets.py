import json
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from unsee import Framing, InputError
from unsee.datasets._loading import load_data


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)


@pytest.fixture
def folder(tmp_path, pixels):
    """Two annotated photos and a mask."""
    path = tmp_path / "data"
    (path / "images").mkdir(parents=True)
    for name in ("a.png", "b.png"):
        Image.fromarray(pixels).save(path / "images" / name)
    mask = np.zeros((40, 60), np.uint8)
    mask[10:20, 30:50] = 255
    Image.fromarray(mask).save(path / "mask.png")
    write(path, [
        {"file": "a.png", "index": 3, "width": 60, "height": 40, "boxes": [[30, 10, 50, 20]]},
        {"file": "b.png", "index": 5, "mask": "mask.png"},
    ])  # fmt: skip
    return path


def write(path, entries) -> None:
    (path / "annotations.json").write_text(json.dumps(entries))


def zipped(folder):
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in folder.rglob("*.*"):
            archive.write(file, file.relative_to(folder))
    return path


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_annotated_photos_from_a_folder_or_a_zip(folder, pixels, kind) -> None:
    one, other = load_data(str(zipped(folder) if kind == "zip" else folder))
    assert (one.id, one.target, one.boxes.tolist()) == ("a.png", 3, [[30, 10, 50, 20]])
    assert one.outline is None
    photo = one.read(3)
    np.testing.assert_allclose(photo.permute(1, 2, 0) * 255, pixels, atol=1e-3)
    outline = other.outline()
    assert outline.shape == (40, 60)
    assert outline.sum() == 200
    assert other.boxes.shape == (0, 4)


def test_a_folder_of_classes(tmp_path, pixels) -> None:
    for name in ("cat/1.png", "cat/2.png", "ant/deep/1.png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    found = load_data(str(tmp_path))
    assert [(s.id, s.target) for s in found] == [
        ("ant/deep/1.png", 0), ("cat/1.png", 1), ("cat/2.png", 1),
    ]  # fmt: skip
    assert [s.target for s in load_data(f"image_folder:{tmp_path}")] == [0, 1, 1]
    Image.fromarray(pixels).save(tmp_path / "loose.png")
    assert {s.id: s.target for s in load_data(str(tmp_path))}["loose.png"] is None


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([{"file": "c.png"}], "names c.png, which is not there"),
        ([{"file": "a.png"}, {"file": "a.png"}], "a.png is there twice"),
        ([], "no photos"),
        ({"file": "a.png"}, "not a list"),
        ([{"index": 3}], "without a file"),
        ([{"file": "a.png", "index": "cat"}], "expected a class index"),
        ([{"file": "b.png", "mask": "no.png"}], "mask no.png, which is not there"),
        (
            [{"file": "a.png", "width": 60, "height": 40, "boxes": [[70, 10, 90, 20]]}],
            r"the box \[70.0, 10.0, 90.0, 20.0\] .* outside of the photo, 60 x 40",
        ),
        ([{"file": "a.png", "width": 60, "height": 40, "boxes": [[9, 9, 3, 12]]}], "turned round"),
        ([{"file": "a.png", "boxes": [[1, 2, 3]]}], "expected boxes"),
        ([{"file": "a.png", "boxes": [1, 2, 3, 4]}], "expected boxes"),
        ([{"file": "a.png", "boxes": [["a", 2, 3, 4]]}], "expected boxes"),
        ([{"file": "a.png", "boxes": {"x": 1}}], "expected boxes"),
        ([{"file": "a.png", "width": "60", "height": 40}], "width and height in pixels"),
        ([{"file": "a.png", "width": 0, "height": 40}], "width and height in pixels"),
        ([{"file": "a.png", "mask": 3}], "name of a mask"),
        (
            [{"file": "a.png", "width": 60, "height": 40, "boxes": [[float("nan"), 9, 30, 12]]}],
            "outside of the photo",
        ),
    ],
)
def test_wrong_annotations_are_refused(folder, entries, words) -> None:
    write(folder, entries)
    with pytest.raises(InputError, match=words):
        load_data(str(folder))


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"boxes": [[70, 10, 90, 20]]}, "outside of the photo, 60 x 40"),
        ({"boxes": [[30, 20, 10, 5]]}, "turned round"),
        ({"boxes": [[1, 2, 30, 20]], "width": 40, "height": 60}, "turned since"),
    ],
)
def test_boxes_that_the_photo_cannot_have_are_refused_with_it(folder, entry, words) -> None:
    write(folder, [{"file": "a.png", "index": 1, **entry}])
    (sample,) = load_data(str(folder))
    with pytest.raises(InputError, match=words):
        sample.boxes_in(sample.photo(3))


def test_what_is_no_data_set_is_refused(tmp_path, folder) -> None:
    with pytest.raises(InputError, match="no such data set"):
        load_data(str(tmp_path / "nowhere"))
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(InputError, match="no data set that is known"):
        load_data(str(tmp_path / "notes.txt"))
    (folder / "annotations.json").write_text("[{")
    with pytest.raises(InputError, match=r"no readable annotations\.json"):
        load_data(str(folder))


def test_a_bad_photo_says_so_when_it_is_read(folder) -> None:
    (folder / "images" / "a.png").write_bytes(b"broken")
    one, other = load_data(str(folder))
    with pytest.raises(InputError, match="not a photo"):
        one.read(3)
    assert other.read(3).shape == (3, 40, 60)


@pytest.mark.parametrize("fit", ["crop", "resize"])
@pytest.mark.parametrize("size", [(32, 32), (48, 24)])
def test_boxes_and_masks_follow_the_photo(fit, size) -> None:
    photo = torch.zeros(1, 60, 90)
    photo[:, 20:40, 30:65] = 1
    framing = Framing(size, fit, share=0.9)
    box = framing.boxes(torch.tensor([[30.0, 20.0, 65.0, 40.0]]), 60, 90)[0]
    x1, y1, x2, y2 = box.round().int().tolist()
    painted = torch.zeros(size)
    painted[y1:y2, x1:x2] = 1
    shown = framing.show(photo)[0, 0]
    mask = framing.mask(photo[0] > 0)
    assert ((shown > 0.5) != mask).float().mean() < 0.04
    assert ((painted > 0) != mask).float().mean() < 0.06
    assert mask.any()


def test_a_box_that_is_cropped_away_has_no_area() -> None:
    framing = Framing((32, 32), share=0.5)
    x1, _, x2, _ = framing.boxes(torch.tensor([[0.0, 0.0, 10.0, 60.0]]), 60, 90)[0]
    assert x1 == x2 == 0
