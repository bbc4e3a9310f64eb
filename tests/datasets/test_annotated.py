import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from unsee import InputError
from unsee.datasets._loading import load_data


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
    write_annotations(path, [
        {"file": "a.png", "index": 3, "width": 60, "height": 40, "boxes": [[30, 10, 50, 20]]},
        {"file": "b.png", "index": 5, "mask": "mask.png"},
    ])  # fmt: skip
    return path


def write_annotations(path, entries) -> None:
    (path / "annotations.json").write_text(json.dumps(entries))


def zipped(folder):
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in folder.rglob("*.*"):
            archive.write(file, file.relative_to(folder))
    return path


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_samples_of_a_folder_and_of_a_zip_file(folder, pixels, kind) -> None:
    first, second = load_data(str(zipped(folder) if kind == "zip" else folder))
    assert (first.id, first.target, first.boxes.tolist()) == ("a.png", 3, [[30, 10, 50, 20]])
    assert first.outline is None
    photo = first.read(3)
    np.testing.assert_allclose(photo.permute(1, 2, 0) * 255, pixels, atol=1e-3)
    outline = second.outline()
    assert outline.shape == (40, 60)
    assert outline.sum() == 200
    assert second.boxes.shape == (0, 4)


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([{"file": "c.png"}], "no file c.png"),
        ([{"file": "a.png"}, {"file": "a.png"}], "duplicate photo a.png"),
        ([], "no photos"),
        ({"file": "a.png"}, "not a list"),
        ([{"index": 3}], "with a file"),
        ([{"file": "a.png", "index": "cat"}], "expected a class index"),
        ([{"file": "b.png", "mask": "no.png"}], "no mask no.png"),
        (
            [{"file": "a.png", "width": 60, "height": 40, "boxes": [[70, 10, 90, 20]]}],
            r"the box \[70.0, 10.0, 90.0, 20.0\] .* outside of the photo, 60 x 40",
        ),
        (
            [{"file": "a.png", "width": 60, "height": 40, "boxes": [[9, 9, 3, 12]]}],
            "corners are swapped",
        ),
        ([{"file": "a.png", "boxes": [[1, 2, 3]]}], "expected boxes"),
        ([{"file": "a.png", "boxes": [1, 2, 3, 4]}], "expected boxes"),
        ([{"file": "a.png", "boxes": [["a", 2, 3, 4]]}], "expected boxes"),
        ([{"file": "a.png", "boxes": {"x": 1}}], "expected boxes"),
        ([{"file": "a.png", "width": "60", "height": 40}], "width and height in pixels"),
        ([{"file": "a.png", "width": 0, "height": 40}], "width and height in pixels"),
        ([{"file": "a.png", "mask": 3}], "name of a mask"),
        (
            [{"file": "a.png", "width": 60, "height": 40, "boxes": [[float("nan"), 9, 30, 12]]}],
            "of finite numbers",
        ),
    ],
)
def test_malformed_annotations_are_refused(folder, entries, words) -> None:
    write_annotations(folder, entries)
    with pytest.raises(InputError, match=words):
        load_data(str(folder))


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"boxes": [[70, 10, 90, 20]]}, "outside of the photo, 60 x 40"),
        ({"boxes": [[30, 20, 10, 5]]}, "corners are swapped"),
        ({"boxes": [[1, 2, 30, 20]], "width": 40, "height": 60}, "rotated after"),
    ],
)
def test_boxes_that_do_not_fit_the_photo_are_refused(folder, entry, words) -> None:
    write_annotations(folder, [{"file": "a.png", "index": 1, **entry}])
    (sample,) = load_data(str(folder))
    with pytest.raises(InputError, match=words):
        sample.boxes_in(sample.photo(3))


def test_damaged_photo_is_refused_when_it_is_read(folder) -> None:
    (folder / "images" / "a.png").write_bytes(b"broken")
    first, second = load_data(str(folder))
    with pytest.raises(InputError, match="not a photo"):
        first.read(3)
    assert second.read(3).shape == (3, 40, 60)


def test_unreadable_json_is_refused(folder) -> None:
    (folder / "annotations.json").write_text("[{")
    with pytest.raises(InputError, match=r"no readable annotations\.json"):
        load_data(str(folder))
