import pytest

from tests.datasets.conftest import save
from unsee import InputError
from unsee.datasets._loading import load_data


def test_samples_of_the_list_and_a_missing_photo(tmp_path, pixels) -> None:
    save(pixels, tmp_path / "val_256" / "Places365_val_00000001.jpg")
    (tmp_path / "places365_val.txt").write_text("Places365_val_00000001.jpg 165\n")
    (sample,) = load_data(str(tmp_path))
    assert (sample.id, sample.target) == ("Places365_val_00000001.jpg", 165)
    assert sample.read(3).shape == (3, 40, 60)
    assert load_data(str(tmp_path)).classes == dict.fromkeys(range(365), ())
    (tmp_path / "categories_places365.txt").write_text("/a/airfield 0\n/b/bar 1\n")
    classes = load_data(str(tmp_path)).classes
    assert (len(classes), classes[1], classes[2]) == (365, ("/b/bar", "bar"), ())
    (tmp_path / "places365_val.txt").write_text("Places365_val_00000009.jpg 1\n")
    with pytest.raises(InputError, match=r"no photos in this data set.*no file Places365"):
        load_data(str(tmp_path))


@pytest.mark.parametrize(
    "line", ["a.jpg ²", "a.jpg -1", "a.jpg " + "9" * 5000, "a.jpg x", "a.jpg", "/etc/passwd 1",
             "../a.jpg 1"],
)  # fmt: skip
def test_malformed_lines_are_refused(tmp_path, pixels, line) -> None:
    save(pixels, tmp_path / "val_256" / "a.jpg")
    (tmp_path / "places365_val.txt").write_text(f"a.jpg 3\n{line}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"expected a number|expected a photo|leads out") as caught:
        load_data(str(tmp_path))
    assert len(str(caught.value)) < 500
