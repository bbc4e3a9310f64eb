import os
import shutil

import pytest
from PIL import Image

from tests.datasets.conftest import save
from unsee import InputError
from unsee.datasets._imagenet import imagenet_numbers
from unsee.datasets._loading import load_data


def targets(spec: object) -> dict[str, int | None]:
    return {sample.id: sample.target for sample in load_data(str(spec))}


def test_folders_are_classes_in_alphabetical_order(tmp_path, pixels) -> None:
    for name in ("cat/1.png", "cat/2.png", "ant/deep/1.png"):
        save(pixels, tmp_path / name)
    samples = load_data(str(tmp_path))
    assert [(s.id, s.target) for s in samples] == [
        ("ant/deep/1.png", 0), ("cat/1.png", 1), ("cat/2.png", 1),
    ]  # fmt: skip
    assert samples.notes == ()
    assert [s.target for s in load_data(f"image_folder:{tmp_path}")] == [0, 1, 1]
    save(pixels, tmp_path / "loose.png")
    assert targets(tmp_path)["loose.png"] is None
    assert set(targets(f"image_folder:{tmp_path},labelled=false").values()) == {None}


def test_a_class_without_photos_keeps_its_number(tmp_path, pixels) -> None:
    for name in ("ant/1.png", "cat/1.png"):
        save(pixels, tmp_path / name)
    (tmp_path / "bee").mkdir()
    samples = load_data(str(tmp_path))
    assert [s.target for s in samples] == [0, 2]
    assert [note.split(": ", 1)[1] for note in samples.notes] == ["classes without photos: bee"]


def test_hidden_and_foreign_folders_are_no_classes(tmp_path, pixels) -> None:
    for folder in (".ipynb_checkpoints", "@eaDir", "__MACOSX", "cat", "dog"):
        save(pixels, tmp_path / folder / "1.png")
    assert targets(tmp_path) == {"cat/1.png": 0, "dog/1.png": 1}


def test_photos_of_other_suffixes_are_counted(tmp_path, pixels) -> None:
    save(pixels, tmp_path / "cat" / "1.png")
    Image.fromarray(pixels).save(tmp_path / "cat" / "2.jfif", "JPEG")
    (tmp_path / "cat" / "3.heic").write_bytes(b"")
    samples = load_data(str(tmp_path))
    assert [s.id for s in samples] == ["cat/1.png", "cat/2.jfif"]
    assert "left out 1 files that are no photos by their suffix (.heic: 1)" in samples.notes[0]


def test_splits_are_no_classes(tmp_path, pixels) -> None:
    for name in ("train/ant/1.png", "train/cat/1.png", "val/ant/2.png", "val/cat/2.png"):
        save(pixels, tmp_path / name)
    samples = load_data(str(tmp_path))
    assert [(s.id, s.target) for s in samples] == [("ant/2.png", 0), ("cat/2.png", 1)]
    assert "read the split 'val' of train, val" in samples.notes[0]
    assert list(targets(f"image_folder:{tmp_path},split=train")) == ["ant/1.png", "cat/1.png"]
    with pytest.raises(InputError, match="no split 'dev'; its folders are train, val"):
        load_data(f"image_folder:{tmp_path},split=dev")


def test_a_class_called_train_among_others_is_a_class(tmp_path, pixels) -> None:
    for name in ("boat/1.png", "train/1.png"):
        save(pixels, tmp_path / name)
    assert targets(tmp_path) == {"boat/1.png": 0, "train/1.png": 1}


def test_wordnet_ids_have_the_numbers_of_imagenet(tmp_path, pixels) -> None:
    for name in ("n01440764", "n02102040", "n03888257"):  # tench, springer spaniel, parachute
        save(pixels, tmp_path / name / "1.png")
    samples = load_data(str(tmp_path))
    assert [s.target for s in samples] == [0, 217, 701]
    assert "classes have ImageNet's numbers" in samples.notes[0]
    in_order = load_data(f"image_folder:{tmp_path},numbering=alphabetical")
    assert [s.target for s in in_order] == [0, 1, 2]
    save(pixels, tmp_path / "n00000001" / "1.png")
    others = load_data(str(tmp_path))
    assert [s.target for s in others] == [0, 1, 2, 3]
    assert "outside of ImageNet's 1000" in others.notes[0]
    with pytest.raises(InputError, match="not among ImageNet's WordNet ids"):
        load_data(f"image_folder:{tmp_path},numbering=imagenet")


def test_folders_that_are_all_numbers_are_the_numbers_of_classes(tmp_path, pixels) -> None:
    for name in ("0/1.png", "2/1.png", "10/1.png"):
        save(pixels, tmp_path / name)
    samples = load_data(str(tmp_path))
    assert {s.id: s.target for s in samples} == {"0/1.png": 0, "2/1.png": 2, "10/1.png": 10}
    assert "the folders are the numbers of the classes" in samples.notes[0]
    in_order = targets(f"image_folder:{tmp_path},numbering=alphabetical")
    assert in_order == {"0/1.png": 0, "10/1.png": 1, "2/1.png": 2}
    save(pixels, tmp_path / "02" / "1.png")
    with pytest.raises(InputError, match="two of the folders are the same number"):
        load_data(str(tmp_path))


def test_imagenets_wordnet_ids_are_in_the_order_of_its_classes() -> None:
    numbers = imagenet_numbers()
    assert len(numbers) == 1000
    assert list(numbers) == sorted(numbers)
    assert numbers["n02123045"] == 281  # tabby


def test_names_that_are_not_text_have_identifiers_that_are(tmp_path, pixels) -> None:
    save(pixels, tmp_path / "cat" / "1.png")
    for name in ("bad\udcff.png", "new\nline.png", "two  spaces é.png"):
        shutil.copy(tmp_path / "cat" / "1.png", tmp_path / "cat" / name)
    samples = load_data(str(tmp_path))
    names = ["1.png", "bad\\udcff.png", "new\\nline.png", "two  spaces é.png"]
    assert [s.id for s in samples] == [f"cat/{name}" for name in names]
    assert all(s.photo(3).shape == (3, 40, 60) for s in samples)


def test_files_that_are_no_photos_fail_when_they_are_read(tmp_path, pixels) -> None:
    save(pixels, tmp_path / "cat" / "1.png")
    os.mkfifo(tmp_path / "cat" / "2.png")
    (tmp_path / "cat" / "3.png").symlink_to("/dev/zero")
    (tmp_path / "cat" / "4.png").symlink_to("4.png")
    (tmp_path / "cat" / "5.png").mkdir()
    (tmp_path / "cat" / "loop").symlink_to(tmp_path)
    first, *others = load_data(str(tmp_path))
    assert first.photo(3).shape == (3, 40, 60)
    assert [s.id for s in others] == ["cat/2.png", "cat/3.png", "cat/4.png"]
    for sample in others:
        with pytest.raises(InputError, match=r"is a device or a pipe|cannot be read"):
            sample.photo(3)
