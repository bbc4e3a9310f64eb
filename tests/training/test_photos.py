import zipfile

import pytest
import torch

from unsee import InputError
from unsee.training.photos import load_labelled, load_squares


def test_squares_come_from_folders_and_zip_files_without_broken_photos(colours, tmp_path) -> None:
    archive = tmp_path / "more.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.write(colours / "0.png", "a/0.png")
    pictures = load_squares([colours, archive], 24)
    assert pictures.shape == (7, 3, 24, 24)
    assert torch.equal(pictures[0], pictures[6])
    with pytest.raises(InputError, match="no readable photo"):
        load_squares([], 24)
    with pytest.raises(InputError, match=r"none\.zip: no such file"):
        load_squares([tmp_path / "none.zip"], 24)


def test_labelled_photos_have_the_classes_of_their_data_set(folder, tmp_path) -> None:
    photos = load_labelled([f"image_folder:{folder}"], 32)
    assert photos.pictures.shape == (12, 3, 32, 32)
    assert photos.targets.tolist() == [0] * 6 + [1] * 6
    assert len(load_labelled([f"image_folder:{folder}"], 32, classes="0-1,7").targets) == 12
    for classes, message in (("1", "at least two classes"), ("a-b", "expected classes as 0-49")):
        with pytest.raises(InputError, match=message):
            load_labelled([f"image_folder:{folder}"], 32, classes=classes)
    (folder / "b").rename(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="at least two classes"):
        load_labelled([f"image_folder:{folder}"], 32)


def test_photos_that_cannot_be_read_are_counted(colours, folder, tmp_path, caplog) -> None:
    archive = tmp_path / "more.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.write(colours / "0.png", "a/0.png")
        file.writestr("a/1.png", b"broken")
        file.writestr("__MACOSX/a/._0.png", b"broken")
    assert len(load_squares([archive], 24)) == 1
    assert "skipped 1 of 2 photos that cannot be read; a/1.png: not a photo" in caplog.text
    first = next((folder / "a").iterdir())
    first.write_bytes(b"broken")
    assert len(load_labelled([f"image_folder:{folder}"], 32).targets) == 11
    assert "skipped 1 of 12 photos" in caplog.text
    archive.write_bytes(b"broken")
    with pytest.raises(InputError, match="not a zip file that can be read"):
        load_squares([archive], 24)
