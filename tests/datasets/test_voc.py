import contextlib

import numpy as np
import pytest

from tests.damage import damaged
from tests.datasets.conftest import save, voc_xml
from unsee import InputError
from unsee.datasets._loading import load_data


def test_one_sample_per_photo_and_class(tmp_path, pixels) -> None:
    save(pixels, tmp_path / "JPEGImages" / "2008_1.jpg")
    (tmp_path / "Annotations").mkdir()
    (tmp_path / "Annotations" / "2008_1.xml").write_text(voc_xml("cat"))
    (tmp_path / "ImageSets" / "Main").mkdir(parents=True)
    (tmp_path / "ImageSets" / "Main" / "val.txt").write_text("2008_1\n")
    segments = np.zeros((40, 60), np.uint8)
    segments[5:9, 10:20] = 8
    segments[20:30] = 3
    save(segments, tmp_path / "SegmentationClass" / "2008_1.png")
    samples = load_data(str(tmp_path))
    (sample,) = samples
    assert (sample.id, sample.target) == ("2008_1-cat", 7)
    assert len(samples.classes) == 20
    assert samples.classes[7] == ("cat",)
    assert sample.boxes_in(sample.read(3)).tolist() == [
        [9.5, 7.5, 30, 24]
    ]  # pixels are numbered from 1
    assert sample.outline().sum() == 40
    (tmp_path / "Annotations" / "2008_1.xml").write_text("<annotation>")
    with pytest.raises(InputError, match="cannot read the annotation"):
        load_data(str(tmp_path))


def objects(*entries: tuple[str, str, int]) -> str:
    """An annotation of a photo of 60 x 40 pixels, with objects: class, difficult, left edge."""
    return (
        "<annotation><size><width>60</width><height>40</height></size>"
        + "".join(
            f"<object><name>{name}</name>{difficult}<bndbox><xmin>{left}</xmin><ymin>1</ymin>"
            f"<xmax>{left + 9}</xmax><ymax>9</ymax></bndbox></object>"
            for name, difficult, left in entries
        )
        + "</annotation>"
    )


@pytest.fixture
def voc(tmp_path, pixels):
    """A photo, and a function that writes its annotation."""
    save(pixels, tmp_path / "JPEGImages" / "1.jpg")
    for folder in ("Annotations", "ImageSets/Main"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "ImageSets" / "Main" / "val.txt").write_text("1\n")

    def annotate(text: str) -> str:
        (tmp_path / "Annotations" / "1.xml").write_text(text)
        return str(tmp_path)

    return annotate


def test_difficult_objects_are_ignored_unless_requested(voc) -> None:
    difficult = "<difficult>1</difficult>"
    path = voc(objects(("dog", "", 1), ("dog", difficult, 30), ("cat", difficult, 20)))
    (sample,) = load_data(path)
    assert sample.id == "1-dog"
    assert sample.boxes.tolist() == [[0, 0, 10, 9]]
    cat, dog = load_data(f"voc:{path},difficult=true")
    assert (cat.id, len(dog.boxes)) == ("1-cat", 2)


def test_missing_photos_are_left_out_and_counted(voc, tmp_path) -> None:
    path = voc(objects(("dog", "", 1)))
    listed = tmp_path / "ImageSets" / "Main" / "val.txt"
    listed.write_text("1\n2\n3\n")
    samples = load_data(path)
    assert len(samples) == 1
    assert "left out photos of the annotations, 2: no file 2.jpg, ..." in samples.notes[0]
    listed.write_text("../1\n")
    with pytest.raises(InputError, match="leads out of the data set"):
        load_data(path)


def test_outlines_without_pixels_and_of_other_proportions(voc, tmp_path) -> None:
    path = voc(objects(("dog", "", 1)))
    save(np.zeros((40, 60), np.uint8), tmp_path / "SegmentationClass" / "1.png")
    (sample,) = load_data(path)
    assert sample.outline is not None
    assert sample.object_mask() is None
    save(np.full((40, 40), 12, np.uint8), tmp_path / "SegmentationClass" / "1.png")
    with pytest.raises(InputError, match="its outline has 40 x 40 pixels, but the photo has 60"):
        sample.object_mask()
    save(np.zeros((40, 60, 3), np.uint8), tmp_path / "SegmentationClass" / "1.png")
    with pytest.raises(InputError, match="expected a picture with a palette"):
        sample.object_mask()


@pytest.mark.parametrize("number", ["inf", "nan", "1e400", "", "²", "-5", "1000000000"])
def test_annotations_without_a_usable_size_are_refused(voc, number) -> None:
    text = objects(("dog", "", 1)).replace("<width>60", f"<width>{number}")
    with pytest.raises(InputError, match=r"1\.xml"):
        load_data(voc(text))


def test_damaged_annotations_are_read_or_refused(voc) -> None:
    content = objects(("dog", "", 1), ("cat", "<difficult>0</difficult>", 20)).encode()
    for variant in damaged(content, 100):
        path = voc(variant.decode("latin-1"))
        with contextlib.suppress(InputError):
            load_data(path)
