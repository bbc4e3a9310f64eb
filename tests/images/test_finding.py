"""Search of folders and glob patterns."""

import json
import os
from dataclasses import fields

import pytest

from tests.images.conftest import write
from unsee import InputError
from unsee.evaluation import manifest, stages, store
from unsee.images import finding
from unsee.images._results import MARKS, TRAINING
from unsee.storage import folders
from unsee.training import run_folder
from unsee.training.task import Training


def test_photos_of_files_folders_and_patterns_are_found(picture, tmp_path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    for name in ("b.png", "a.jpg", "deep/c.PNG", "deep/er/d.webp"):
        write(picture, tmp_path / name)
    (tmp_path / "notes.txt").write_text("no photo")
    photos = [p.relative_to(tmp_path).as_posix() for p in finding.find([tmp_path])]
    assert photos == ["a.jpg", "b.png", "deep/c.PNG", "deep/er/d.webp"]
    assert len(finding.find([tmp_path, tmp_path / "a.jpg"])) == 4
    assert [p.name for p in finding.find([str(tmp_path / "*.png")])] == ["b.png"]
    assert finding.find([tmp_path / "none.jpg"]) == [tmp_path / "none.jpg"]
    (tmp_path / "void").mkdir()
    with pytest.raises(InputError, match="no photos in this folder"):
        finding.find([tmp_path / "void"])
    with pytest.raises(InputError, match="matches no file"):
        finding.find([str(tmp_path / "*.gif")])


def test_links_that_lead_back_do_not_hang_a_search(picture, tmp_path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write(picture, tmp_path / name / "1.png")
        for number in range(3):
            (tmp_path / name / f"up{number}").symlink_to(tmp_path)
    (tmp_path / "linked").symlink_to(tmp_path / "a")
    names = ["a/1.png", "b/1.png", "linked/1.png"]
    for pattern in (tmp_path, tmp_path / "**" / "*.png", tmp_path / "**"):
        photos = [p.relative_to(tmp_path).as_posix() for p in finding.find([pattern])]
        assert photos == names


def test_folders_that_cannot_be_listed_are_counted(picture, tmp_path, monkeypatch) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write(picture, tmp_path / name / "1.png")
    listed = os.scandir

    def refuse(path):
        if path == closed:
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr("os.scandir", refuse)
    closed, notes = tmp_path / "b", []
    assert finding.find([tmp_path], notes) == [tmp_path / "a" / "1.png"]
    assert "left out 1 folders that cannot be read" in notes[0]
    closed = tmp_path
    with pytest.raises(InputError, match="the folder cannot be read"):
        finding.find([tmp_path])


def test_a_search_of_too_many_folders_is_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(finding, "MAX_FOLDERS", 3)
    for number in range(4):
        (tmp_path / str(number)).mkdir()
    with pytest.raises(InputError, match="more than 3 folders"):
        finding.find([tmp_path])


def test_hidden_and_foreign_files_are_skipped_and_others_are_counted(picture, tmp_path) -> None:
    for name in ("a.jpg", "b.JFIF", "._a.jpg", ".ipynb_checkpoints/a.jpg", "__MACOSX/a.jpg",
                 "@eaDir/a.jpg"):  # fmt: skip
        (tmp_path / name).parent.mkdir(exist_ok=True)
        picture.save(tmp_path / name, "JPEG")
    for name in ("c.heic", "d.HEIC", "notes.txt"):
        (tmp_path / name).write_text("no photo")
    notes: list[str] = []
    assert [p.name for p in finding.find([tmp_path], notes)] == ["a.jpg", "b.JFIF"]
    (note,) = notes
    assert "left out 3 files" in note
    assert "(.heic: 2, .txt: 1)" in note


def test_an_empty_name_is_not_the_current_folder(picture, tmp_path, monkeypatch) -> None:
    write(picture, tmp_path / "1.png")
    monkeypatch.chdir(tmp_path)
    assert finding.find(["."])
    with pytest.raises(InputError, match="got an empty name"):
        finding.find([""])


def test_names_that_are_patterns_are_searched_as_they_are(picture, tmp_path) -> None:
    folder = tmp_path / "[a]"
    (folder / "*").mkdir(parents=True)
    write(picture, folder / "*" / "1.png")
    assert len(finding.find([folder])) == 1
    assert len(finding.find([tmp_path / "**" / "1.png"])) == 1


RESULTS = {
    "manifest.json": {"written_by_unsee": {}},
    "run.json": {"settings": {}, "photos": 3, "versions": {}},
    "stages.json": {"stages": [], "table": {}},
    "training.json": {"settings": {"out": ".", "data": ["."], "steps": 1, "seed": 0}},
}


@pytest.mark.parametrize("mark", RESULTS)
def test_results_of_unsee_are_left_out(picture, tmp_path, mark) -> None:
    for name in ("a/1.png", "b/2.png", "m-out/preview.png", "out/photo/panel.png"):
        (tmp_path / name).parent.mkdir(parents=True)
        write(picture, tmp_path / name)
    for name in ("m-out", "out/photo"):
        (tmp_path / name / mark).write_text(json.dumps(RESULTS[mark]))
    for content in ("{}", "[]", "{", '{"settings": 5}'):  # of another program
        (tmp_path / "b" / mark).write_text(content)
        for pattern in (tmp_path, tmp_path / "**" / "*.png"):
            photos = [p.relative_to(tmp_path).as_posix() for p in finding.find([pattern])]
            assert photos == ["a/1.png", "b/2.png"]
    assert finding.subfolders(tmp_path) == ["a", "b"]
    notes: list[str] = []
    finding.find([tmp_path], notes)
    assert f"left out 2 folders with results of unsee ({tmp_path / 'm-out'})" in notes[-1]
    (preview,) = finding.find([tmp_path / "m-out"])  # a folder that is named is searched
    assert preview.name == "preview.png"
    with pytest.raises(InputError, match=r"no photos.*, and results of unsee are left out"):
        finding.find([tmp_path / "out"])


def test_marks_are_those_that_unsee_writes(tmp_path) -> None:
    names = (folders.MANIFEST, store.MANIFEST, stages.MANIFEST, run_folder.MANIFEST)
    assert tuple(MARKS) == names
    assert MARKS[store.MANIFEST]({field.name: 0 for field in fields(manifest.RunManifest)})
    assert MARKS[stages.MANIFEST]({field.name: 0 for field in fields(stages.StagesInfo)})
    settings = {field.name: 0 for field in fields(Training)}
    assert MARKS[run_folder.MANIFEST]({"settings": settings})
    for name in TRAINING:
        assert not MARKS[run_folder.MANIFEST]({"settings": {n: 0 for n in settings if n != name}})
