"""Each photo keeps the folder of its result; another photo of the same name gets another one."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import MODEL
from unsee import InputError
from unsee.cli import main
from unsee.errors import DiskFullError
from unsee.images import reading
from unsee.results import assessment, photo_folders, writing
from unsee.results.photo_folders import check_photo, place_of_photo, result_folders
from unsee.storage.folders import new_folder, write_manifest


def photo_of(path, colour):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((40, 40, 3), colour, np.uint8)).save(path)
    return path


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """Photos of the same name in two folders; the working folder holds both."""
    monkeypatch.chdir(tmp_path)
    return [photo_of(Path("ds", name, "1.png"), i) for i, name in enumerate(("cat", "dog"))]


def result_of(photo, folder, **changes):
    origin = {"path": str(photo), "sha256": photo_folders._Photo(photo).digest}
    origin = {**origin, "place": place_of_photo(photo), **changes}
    with new_folder(folder, overwrite=True) as unfinished:
        write_manifest(
            unfinished, {"input": {key: v for key, v in origin.items() if v is not None}}
        )


def names_of(paths, out="r"):
    return [folder.name for folder in result_folders(paths, Path(out))]


def test_overwriting_keeps_the_result_of_another_photo_of_the_same_name(photos, capsys) -> None:
    cat, dog = map(str, photos)
    command = ["--classifier", MODEL, "--method", "random", "--infiller", "grey", "--out", "r"]
    assert main(["explain", cat, *command]) == 0
    before = Path("r/1/manifest.json").read_bytes()
    assert main(["explain", dog, *command, "--overwrite"]) == 0
    assert Path("r/1/manifest.json").read_bytes() == before
    assert json.loads(Path("r/1-2/manifest.json").read_text())["input"]["path"] == dog
    assert main(["explain", dog, *command]) == 2
    assert "r/1-2: exists already" in capsys.readouterr().err


def test_numbers_stay_when_photos_are_added_or_given_in_another_order(photos) -> None:
    assert names_of(photos) == ["1", "1-2"]
    for photo, name in zip(photos, ("1", "1-2"), strict=True):
        result_of(photo, Path("r", name))
    ant = photo_of(Path("ds/ant/1.png"), 9)
    assert names_of([ant, *photos]) == ["1-3", "1", "1-2"]
    assert names_of(photos[::-1]) == ["1-2", "1"]
    assert names_of([photos[1].absolute()]) == ["1-2"]
    shutil.rmtree("r/1")
    assert names_of([photos[1], ant]) == ["1-2", "1"]


def test_photo_that_was_edited_or_moved_keeps_its_folder(photos) -> None:
    cat, dog = photos
    result_of(cat, Path("r/1"))
    photo_of(cat, 77)
    assert names_of([cat]) == ["1"]
    result_of(cat, Path("r/1"))
    moved = Path("elsewhere/1.png")
    moved.parent.mkdir()
    shutil.copy(cat, moved)
    assert names_of([moved]) == ["1-2"]  # the first one is still there
    cat.unlink()
    assert names_of([moved]) == ["1"]
    assert names_of([dog]) == ["1-2"]


def test_relative_path_of_another_folder_is_of_another_photo(tmp_path, monkeypatch) -> None:
    for number, name in enumerate("ab"):
        photo_of(tmp_path / name / "1.png", number)
    monkeypatch.chdir(tmp_path / "a")
    for place in ({}, {"place": None}):  # as now, and as of earlier versions
        result_of(Path("1.png"), tmp_path / "r/1", **place)
        assert names_of([Path("1.png")], tmp_path / "r") == ["1"]
        with monkeypatch.context() as other:
            other.chdir(tmp_path / "b")
            assert names_of([Path("1.png")], tmp_path / "r") == ["1-2"]


def test_result_of_something_else_is_not_replaced(photos) -> None:
    with new_folder(Path("r/1")) as unfinished:
        write_manifest(unfinished, {"maps": []})
    Path("r/1-2").mkdir()
    Path("r/1-2/manifest.json").write_text("{")
    assert names_of(photos[:1]) == ["1-2"]  # refused there, as a folder of the user is


@pytest.mark.parametrize("overwrite", [[], ["--overwrite"]])
@pytest.mark.parametrize("place", ["explain", "assess", "draw"])
def test_photo_gets_the_next_name_if_another_command_took_its_own(
    place, overwrite, photos, monkeypatch
) -> None:
    cat, dog = photos
    module, name = {
        "explain": (reading, "read"), "assess": (assessment, "assess"), "draw": (writing, "panel"),
    }[place]  # fmt: skip
    function = getattr(module, name)

    def after_another_command(*arguments):
        result_of(cat, Path("r/1"))
        return function(*arguments)

    monkeypatch.setattr(module, name, after_another_command)
    command = ["--classifier", MODEL, "--method", "random", "--infiller", "grey", "--out", "r"]
    assert main(["explain", str(dog), *command, *overwrite]) == 0
    assert sorted(path.name for path in Path("r").iterdir()) == ["1", "1-2"]
    check_photo(Path("r/1"), cat)
    check_photo(Path("r/1-2"), dog)


def test_photo_that_another_command_explained_too_gets_the_next_name(
    photos, monkeypatch, capsys
) -> None:
    cat = photos[0]
    assess = assessment.assess

    def after_another_command(*arguments):
        result_of(cat, Path("r/1"))
        Path("r/1-2").mkdir()
        return assess(*arguments)

    monkeypatch.setattr(assessment, "assess", after_another_command)
    command = ["--classifier", MODEL, "--method", "random", "--infiller", "grey", "--out", "r"]
    assert main(["explain", str(cat), *command]) == 0
    check_photo(Path("r/1-3"), cat)
    assert "r/1: was taken in the meantime; this result is in r/1-3" in capsys.readouterr().err


def test_row_is_printed_although_the_disk_is_full(photos, monkeypatch, capsys) -> None:
    def full(*_arguments):
        raise DiskFullError("full")

    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(writing, "panel", full)
    command = ["--classifier", MODEL, "--method", "random", "--infiller", "grey", "--out", "r"]
    assert main(["explain", *map(str, photos), *command]) == 1
    printed = capsys.readouterr()
    assert "1 (not written)" in printed.out
    assert "panel.png" not in printed.out
    assert "full; stopped, 0 results are kept" in printed.err


def test_result_of_another_photo_is_refused(photos) -> None:
    cat, dog = photos
    result_of(cat, Path("r/1"))
    check_photo(Path("r/1"), cat)
    check_photo(Path("r/none"), dog)
    with pytest.raises(InputError, match="it is not overwritten: choose another folder"):
        check_photo(Path("r/1"), dog)


def test_folder_that_cannot_be_listed_has_no_earlier_results(photos, monkeypatch) -> None:
    def refuse(path):
        raise PermissionError(path)

    monkeypatch.setattr(os, "listdir", refuse)
    monkeypatch.setattr(Path, "iterdir", refuse)
    assert names_of(photos) == ["1", "1-2"]
