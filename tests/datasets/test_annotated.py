import contextlib
import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from tests.damage import damaged
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
        ([{"file": "a.png", "width": 1e9, "height": 40}], "width and height in pixels"),
        ([{"file": "a.png", "index": True}], "expected a class index"),
        ([{"file": "a.png", "index": -1}], "expected a class index"),
        ([{"file": "a.png", "index": 10**4000}], "expected a class index"),
        ([{"file": "/etc/hostname"}], "leads out of the data set"),
        ([{"file": "../a.png"}], "leads out of the data set"),
        ([{"file": "a.png", "mask": "/etc/hostname"}], "leads out of the data set"),
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


def test_missing_photos_are_left_out_and_counted(folder) -> None:
    write_annotations(folder, [{"file": "a.png"}, {"file": "c.png"}])
    samples = load_data(str(folder))
    assert [s.id for s in samples] == ["a.png"]
    assert "left out photos of the annotations, 1: no file c.png" in samples.notes[0]


def test_boxes_of_a_photo_that_is_read_at_half_size(folder, monkeypatch) -> None:
    write_annotations(folder, [{"file": "a.png", "index": 1, "boxes": [[30, 10, 60, 20]]}])
    monkeypatch.setattr("unsee.images.opening.MAX_KEPT", 2000)
    for path in (folder, zipped(folder)):
        (sample,) = load_data(str(path))
        photo = sample.photo(3)
        assert photo.shape == (3, 20, 30)
        assert sample.boxes_in(photo).tolist() == [[15, 5, 30, 10]]


def cut_out(mask) -> Image.Image:
    """A photo of the object on a background that is transparent."""
    pixels = np.full((*mask.shape, 4), 200, np.uint8)
    pixels[..., 3] = mask
    return Image.fromarray(pixels)


def silhouette(mask) -> Image.Image:
    """A black shape on a transparent background."""
    pixels = np.zeros((*mask.shape, 4), np.uint8)
    pixels[..., 3] = mask
    return Image.fromarray(pixels)


def indexed(mask) -> Image.Image:
    """The colour of the object is dark blue, which is black in grey."""
    image = Image.fromarray((mask > 0).astype(np.uint8)).convert("P")
    image.putpalette([0, 0, 0, 0, 0, 1] + [0] * 762)
    return image


def turned(mask) -> Image.Image:
    return Image.fromarray(np.rot90(mask).copy())


def orientation(value) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


@pytest.mark.parametrize(
    ("make", "name", "options"),
    [
        (cut_out, "m.png", {}),
        (cut_out, "m.tif", {}),
        (silhouette, "m.png", {}),
        (indexed, "m.png", {}),
        (lambda mask: Image.fromarray(255 - mask), "m.png", {"transparency": 255}),
        (lambda mask: indexed(255 - mask), "m.png", {"transparency": 1}),
        (lambda mask: Image.fromarray((mask // 255).astype(np.uint16)), "m.png", {}),
        (lambda mask: Image.fromarray(mask > 0), "m.png", {}),
        (Image.fromarray, "m.jpg", {"quality": 75}),
        (lambda mask: Image.fromarray(mask // 255 * 60), "m.webp", {"quality": 20}),
        (turned, "m.png", {"exif": orientation(6)}),
    ],
)  # fmt: skip
def test_a_mask_is_neither_black_nor_transparent(folder, make, name, options) -> None:
    expected = np.zeros((40, 60), np.uint8)
    expected[16:24, 32:48] = 255
    make(expected).save(folder / name, **options)
    write_annotations(folder, [{"file": "b.png", "index": 5, "mask": name}])
    (sample,) = load_data(str(folder))
    np.testing.assert_array_equal(sample.object_mask().numpy(), expected > 0)


def test_parts_of_other_values_belong_to_the_mask(folder) -> None:
    parts = np.zeros((40, 60), np.uint8)
    parts[10, 10:13] = (1, 100, 255)
    Image.fromarray(parts).save(folder / "mask.png")
    assert load_data(str(folder))[1].object_mask().sum() == 3


def test_a_large_mask_is_read_at_half_size(folder, monkeypatch) -> None:
    monkeypatch.setattr("unsee.images.opening.MAX_KEPT", 2000)
    mask = load_data(str(folder))[1].object_mask()
    assert (mask.shape, mask.sum()) == ((20, 30), 50)


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_mask_without_background_is_refused(folder, mode) -> None:
    Image.new(mode, (60, 40), "white").save(folder / "mask.png")
    with pytest.raises(
        InputError, match=r"mask\.png: expected a mask that is black or transparent"
    ):
        load_data(str(folder))[1].object_mask()


def test_a_mask_without_an_object_is_no_mask(folder) -> None:
    for image in (Image.new("L", (60, 40)), Image.new("RGBA", (60, 40))):
        image.save(folder / "mask.png")
        assert load_data(str(folder))[1].object_mask() is None


def test_a_mask_of_other_proportions_is_refused(folder) -> None:
    mask = Image.new("L", (40, 60))
    mask.putpixel((3, 3), 255)
    mask.save(folder / "mask.png")
    _, sample = load_data(str(folder))
    assert sample.object_mask() is not None  # rotated, as a photo with an orientation may be
    mask.resize((60, 60)).save(folder / "mask.png")
    with pytest.raises(InputError, match="its outline has 60 x 60 pixels, but the photo has 60 x"):
        sample.object_mask()


def test_encrypted_members_of_a_zip_file_are_refused(folder) -> None:
    path = zipped(folder)
    content = bytearray(path.read_bytes())
    start = 0
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = 0
        while (start := content.find(mark, start)) >= 0:
            content[start + flags] |= 1
            start += 4
    path.write_bytes(content)
    with pytest.raises(InputError, match="password required"):
        load_data(str(path))


@pytest.mark.parametrize("kind", ["json", "zip"])
def test_damaged_files_are_read_or_refused(folder, kind) -> None:
    path = zipped(folder) if kind == "zip" else folder
    file = path if kind == "zip" else folder / "annotations.json"
    for variant in damaged(file.read_bytes(), 100):
        file.write_bytes(variant)
        with contextlib.suppress(InputError):
            for sample in load_data(f"annotated:{path}"):
                sample.boxes_in(sample.photo(3))
                sample.object_mask()
