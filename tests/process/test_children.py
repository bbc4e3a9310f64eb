"""Child processes import no module of the working folder."""

import os
import subprocess
import sys

import pytest

from unsee import __main__, cli
from unsee.process.children import SAFE_PATH, kept_safe


@pytest.fixture(autouse=True)
def _unset(monkeypatch):
    monkeypatch.setenv(SAFE_PATH, "")  # so that its absence is restored
    monkeypatch.delenv(SAFE_PATH)


SPAWN = """
import contextlib, multiprocessing, os, sys
from unsee.process.children import kept_safe
if __name__ == "__main__":
    child = multiprocessing.get_context("spawn").Process(target=os.getpid)
    with kept_safe() if sys.argv[1] == "safe" else contextlib.nullcontext():
        with contextlib.suppress(BrokenPipeError):
            child.start()
    child.join()
    sys.exit(child.exitcode)
"""
"""A program that starts a child in the working folder."""


@pytest.mark.parametrize("kind", ["safe", "as Python does"])
def test_a_spawned_child_imports_nothing_from_the_working_folder(tmp_path, kind) -> None:
    (tmp_path / "program.py").write_text(SPAWN)
    here = tmp_path / "here"
    here.mkdir()
    (here / "pickle.py").write_text("open('hijacked', 'w').close(); raise SystemExit(9)")
    command = [sys.executable, str(tmp_path / "program.py"), kind]
    status = subprocess.run(command, cwd=here, check=False, stderr=subprocess.DEVNULL).returncode
    assert (here / "hijacked").exists() == (status != 0) == (kind != "safe")


def test_the_command_line_keeps_its_children_safe(monkeypatch) -> None:
    monkeypatch.setattr(cli, "main", lambda: 0)
    assert __main__.main() == 0
    assert os.environ[SAFE_PATH] == "1"


def test_the_setting_of_a_user_stays(monkeypatch) -> None:
    monkeypatch.setenv(SAFE_PATH, "")
    with kept_safe():
        assert os.environ[SAFE_PATH] == ""
    assert os.environ[SAFE_PATH] == ""
