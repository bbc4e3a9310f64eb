import os
from pathlib import Path

import platformdirs
import pytest

from unsee import InputError
from unsee.folders import cache_folder, new_folder


def test_environment_variable_sets_the_cache_folder(monkeypatch) -> None:
    monkeypatch.setenv("UNSEE_CACHE", "/somewhere/else")
    assert cache_folder() == Path("/somewhere/else")
    monkeypatch.delenv("UNSEE_CACHE")
    assert cache_folder() == platformdirs.user_cache_path("unsee", appauthor=False)


def test_failed_overwrite_keeps_the_old_result(tmp_path) -> None:
    folder = tmp_path / "run"
    with new_folder(folder) as unfinished:
        (unfinished / "manifest.json").write_text("old")

    def fail() -> None:
        with new_folder(folder, overwrite=True) as unfinished:
            (unfinished / "manifest.json").write_text("new")
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011  # any error of the block
        fail()
    assert (folder / "manifest.json").read_text() == "old"
    assert os.listdir(tmp_path) == ["run"]  # noqa: PTH208


def test_parent_that_is_a_file_is_refused(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"), new_folder(tmp_path / "file" / "a"):
        pass
