import numpy as np
import pytest

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
    (sample,) = load_data(str(tmp_path))
    assert (sample.id, sample.target) == ("2008_1-cat", 7)
    assert sample.boxes_in(sample.read(3)).tolist() == [
        [9.5, 7.5, 30, 24]
    ]  # pixels are numbered from 1
    assert sample.outline().sum() == 40
    (tmp_path / "Annotations" / "2008_1.xml").write_text("<annotation>")
    with pytest.raises(InputError, match="cannot read the annotation"):
        load_data(str(tmp_path))
