import json
import os
from pathlib import Path

import platformdirs
import pytest

from unsee import InputError
from unsee.errors import DiskFullError
from unsee.folders import cache_folder, new_folder, result_folders, write_manifest


def test_environment_variable_sets_the_cache_folder(monkeypatch) -> None:
    monkeypatch.setenv("UNSEE_CACHE", "/somewhere/else")
    assert cache_folder() == Path("/somewhere/else")
    monkeypatch.delenv("UNSEE_CACHE")
    assert cache_folder() == platformdirs.user_cache_path("unsee", appauthor=False)


def test_failed_overwrite_keeps_the_old_result(tmp_path) -> None:
    folder = tmp_path / "run"
    with new_folder(folder) as unfinished:
        write_manifest(unfinished, {"result": "old"})

    def fail() -> None:
        with new_folder(folder, overwrite=True) as unfinished:
            write_manifest(unfinished, {"result": "new"})
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert json.loads((folder / "manifest.json").read_text())["result"] == "old"
    assert os.listdir(tmp_path) == ["run"]  # noqa: PTH208


def test_parent_that_is_a_file_is_refused(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"), new_folder(tmp_path / "file" / "a"):
        pass


def test_result_folders_are_unique_and_inside_the_output(tmp_path) -> None:
    names = ["IMG.jpg", "IMG.png", "IMG-2.png", "img.png", "...png", "..png", ".hidden.png"]
    names += ["a/b.png", "../../x.png", "x" * 300 + ".png", "line\nbreak.png", "Grüße 猫.png"]
    folders = result_folders([Path(name) for name in names], tmp_path)
    assert all(folder.parent == tmp_path for folder in folders)
    assert len({folder.name.casefold() for folder in folders}) == len(names)
    plain = [folder.name for folder in folders]
    assert plain[:4] == ["IMG", "IMG-2", "IMG-2-2", "img-3"]
    assert not {"", ".", ".."} & set(plain)
    assert max(map(len, plain)) <= 103
    assert plain[-2:] == ["line_break", "Grüße 猫"]


def test_photo_called_dots_does_not_replace_the_parent_of_the_output(tmp_path) -> None:
    (tmp_path / "manifest.json").write_text("{}")
    (tmp_path / "thesis.tex").write_text("years of work")
    (folder,) = result_folders([Path("...png")], tmp_path / "out")
    with new_folder(folder, overwrite=True) as unfinished:
        (unfinished / "map").write_text("")
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_failed_replacement_keeps_the_older_result(tmp_path, monkeypatch) -> None:
    folder = tmp_path / "result"
    with new_folder(folder) as unfinished:
        write_manifest(unfinished, {"result": "old"})
    rename = Path.rename

    def fail(self, target):
        if self.name.endswith(".unfinished"):
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(DiskFullError), new_folder(folder, overwrite=True) as unfinished:
        write_manifest(unfinished, {"result": "new"})
    assert json.loads((folder / "manifest.json").read_text())["result"] == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["result"]


def test_files_of_the_user_are_never_overwritten(tmp_path) -> None:
    folder = tmp_path / "result"
    with new_folder(folder) as unfinished:
        (unfinished / "map.png").write_text("")
        write_manifest(unfinished, {})
    with new_folder(folder, overwrite=True) as unfinished:
        write_manifest(unfinished, {})
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"did not write \(notes.txt\)"):
        new_folder(folder, overwrite=True).__enter__()
    web = tmp_path / "web"
    web.mkdir()
    (web / "manifest.json").write_text('{"name": "an application"}')
    with pytest.raises(InputError, match="did not write"):
        new_folder(web, overwrite=True).__enter__()
