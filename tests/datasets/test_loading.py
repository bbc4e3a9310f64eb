import pytest

from unsee import InputError
from unsee.datasets._loading import load_data


def test_missing_path_is_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="no such data set"):
        load_data(str(tmp_path / "nowhere"))


def test_unknown_layout_is_refused(tmp_path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(InputError, match="unknown layout; expected one of annotated, coco"):
        load_data(str(tmp_path / "notes.txt"))
