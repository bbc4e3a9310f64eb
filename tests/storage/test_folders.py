import errno
import json
import os
import shutil
import signal
import sys
import time
import warnings
from pathlib import Path

import platformdirs
import pytest

from unsee import InputError
from unsee.cli import checks
from unsee.errors import DiskFullError
from unsee.results.photo_folders import result_folders
from unsee.storage.folders import (
    WRITTEN,
    cache_folder,
    check_new,
    new_file,
    new_folder,
    next_free,
    place_of,
    write_manifest,
)
from unsee.storage.workplace import (
    LOCK,
    MAX_AGE,
    NEW,
    OLD,
    PREFIX,
    TRASH,
    is_workplace,
    remove_leavings,
    workplace,
)

RENAMES = ("locking", "aside", "between", "clearing")
"""Points before the first, second, ... renaming."""
POINTS = {
    "writing": "old", "locking": "old", "aside": "old", "between": "old", "clearing": "new",
    "removing": "new",
}  # fmt: skip
"""The result that is left after a kill at each point."""


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


def test_names_of_result_folders_can_be_written_everywhere(tmp_path) -> None:
    names = [
        "猫" * 100,
        "e\u0301",
        "\u00e9",
        "CON",
        "nul.tar",
        "console",
        "COM\u00b9",
        "aux .x",
        os.fsdecode(b"\xff"),
    ]
    folders = result_folders([Path(f"{name}.png") for name in names], tmp_path)
    for folder in folders:
        folder.mkdir()
    plain = [folder.name for folder in folders]
    assert len(plain[0].encode()) <= 200
    assert plain[2] == "\u00e9-2"
    assert plain[3:] == ["_CON", "_nul.tar", "console", "_COM\u00b9", "_aux .x", "_"]


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
        if self.name == NEW:
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


@pytest.mark.parametrize(
    "content", [{"files": ["thesis.tex"]}, {WRITTEN: {"thesis.tex": "0" * 64}}]
)
def test_manifest_of_another_program_permits_no_overwriting(tmp_path, content) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    (tmp_path / "manifest.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"did not write \(.*thesis.tex\)"):
        check_new(tmp_path, overwrite=True)
    (tmp_path / "thesis.tex").unlink()
    if WRITTEN not in content:
        with pytest.raises(InputError, match=r"did not write \(manifest.json\)"):
            check_new(tmp_path, overwrite=True)


def test_changed_or_new_file_of_the_user_stops_overwriting(tmp_path) -> None:
    folder = tmp_path / "result"
    with new_folder(folder) as unfinished:
        (unfinished / "table.md").write_text("ours")
        write_manifest(unfinished, {})

    def overwrite_while_the_user_writes() -> None:
        with new_folder(folder, overwrite=True) as unfinished:
            write_manifest(unfinished, {})
            (folder / "notes.txt").write_text("of the user")

    with pytest.raises(InputError, match=r"did not write \(notes.txt\)"):
        overwrite_while_the_user_writes()
    (folder / "notes.txt").unlink()
    (folder / "table.md").write_text("with remarks of the user")
    with pytest.raises(InputError, match=r"did not write \(table.md\)"):
        check_new(folder, overwrite=True)
    assert (folder / "table.md").read_text() == "with remarks of the user"


def _result(folder, content="old") -> None:
    with new_folder(folder) as unfinished:
        (unfinished / "a").write_text(content)
        write_manifest(unfinished, {"result": content})


@pytest.fixture
def linked(tmp_path, monkeypatch):
    """The folder `home`, with a link to `disk/data` and a result of its own, as working folder."""
    (tmp_path / "disk" / "data").mkdir(parents=True)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "link").symlink_to(tmp_path / "disk" / "data")
    monkeypatch.chdir(tmp_path / "home")
    return tmp_path


def test_path_behind_a_link_is_written_where_it_is_checked(linked) -> None:
    _result("results")
    Path("results/thesis.tex").write_text("years of work")
    _result("link/../results", "new")
    assert Path("results/thesis.tex").read_text() == "years of work"
    assert (linked / "disk" / "results" / "a").read_text() == "new"
    Path("rows").write_text("of another run")
    with new_file("link/../rows") as unfinished:
        unfinished.write_text("new")
    assert Path("rows").read_text() == "of another run"
    assert (linked / "disk" / "rows").read_text() == "new"
    with pytest.raises(InputError, match=r"link/\.\./results: exists already"):
        _result("link/../results")


def test_files_of_the_user_behind_a_link_are_not_overwritten(linked) -> None:
    folder = linked / "disk" / "results"
    _result(folder)
    (folder / "thesis.tex").write_text("years of work")
    _result("results")  # what the path would name without the link
    with pytest.raises(InputError, match="did not write"):
        check_new(Path("link/../results"), overwrite=True)
    with (
        pytest.raises(InputError, match="did not write"),
        new_folder("link/../results", overwrite=True),
    ):
        pass
    assert (folder / "thesis.tex").read_text() == "years of work"
    assert sorted(path.name for path in (linked / "home").iterdir()) == ["link", "results"]


def test_last_part_of_a_path_is_a_link_itself_or_is_resolved(linked) -> None:
    home = linked / "home"
    assert place_of("link") == linked / "disk" / "data"
    (home / "to nothing").symlink_to(home / "nothing")
    assert place_of("to nothing") == home / "to nothing"
    assert place_of("link/..") == linked / "disk"
    assert place_of(".") == home
    assert place_of("a/b") == home / "a" / "b"


def test_the_result_behind_a_link_is_replaced_and_the_link_stays(linked) -> None:
    _result(linked / "disk" / "run")
    link = linked / "home" / "run"
    link.symlink_to(linked / "disk" / "run")
    with pytest.raises(InputError, match="run: exists already"):
        _result(link, "new")
    with new_folder(link, overwrite=True) as unfinished:
        (unfinished / "a").write_text("new")
        write_manifest(unfinished, {})
    assert link.is_symlink()
    assert (linked / "disk" / "run" / "a").read_text() == "new"
    assert sorted(path.name for path in (linked / "disk").iterdir()) == ["data", "run"]
    (linked / "disk" / "run" / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match="did not write"):
        check_new(link, overwrite=True)
    assert (linked / "disk" / "run" / "thesis.tex").read_text() == "years of work"


def test_a_link_that_appears_in_the_meantime_stays(linked) -> None:
    _result(linked / "disk" / "run")
    link = linked / "home" / "run"

    def write_beside() -> None:
        with new_folder(link, overwrite=True) as unfinished:
            (unfinished / "a").write_text("new")
            write_manifest(unfinished, {})
            link.symlink_to(linked / "disk" / "run")

    with pytest.raises(InputError, match="has become a link"):
        write_beside()
    assert link.is_symlink()
    assert (linked / "disk" / "run" / "a").read_text() == "old"


@pytest.mark.parametrize("kind", ["file", "link to a file", "link to nothing"])
def test_a_file_that_appears_in_the_meantime_is_not_overwritten(tmp_path, kind) -> None:
    folder, other = tmp_path / "result", tmp_path / "other"
    if kind == "link to a file":
        other.write_text("mine")

    def write_beside() -> None:
        with new_folder(folder, overwrite=True) as unfinished:
            (unfinished / "a").write_text("second")
            write_manifest(unfinished, {})
            if kind == "file":
                folder.write_text("mine")
            else:
                folder.symlink_to(other)

    with pytest.raises(InputError, match="result: is a file, expected a folder"):
        write_beside()
    assert folder.is_symlink() or folder.read_text() == "mine"


@pytest.mark.parametrize("kind", ["result", "file", "link"])
def test_what_another_command_wrote_in_the_meantime_stays(tmp_path, kind) -> None:
    folder, other = tmp_path / "result", tmp_path / "other"
    _result(other)

    def write_beside() -> None:
        with new_folder(folder) as unfinished:
            (unfinished / "a").write_text("second")
            write_manifest(unfinished, {})
            if kind == "result":
                _result(folder, "first")
            elif kind == "file":
                folder.write_text("first")
            else:
                folder.symlink_to(other)

    with pytest.raises(
        InputError, match=r"result: was made by another.*not written.*overwrite=True"
    ):
        write_beside()
    stays = {"result": folder / "a", "file": folder, "link": other / "a"}[kind]
    assert stays.read_text() == ("old" if kind == "link" else "first")
    assert folder.is_symlink() == (kind == "link")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "result"]


def test_link_to_nothing_is_not_replaced(tmp_path) -> None:
    (tmp_path / "result").symlink_to(tmp_path / "unmounted")
    with pytest.raises(InputError, match="is a link to nothing"):
        check_new(tmp_path / "result", overwrite=True)


def test_nothing_is_written_through_a_link_to_nothing(tmp_path) -> None:
    (tmp_path / "out").symlink_to(tmp_path / "unmounted")
    with (
        pytest.raises(InputError, match="out is a link to nothing"),
        new_folder(tmp_path / "out" / "result"),
    ):
        pytest.fail("began to write")
    assert not (tmp_path / "unmounted").exists()


def test_link_in_a_workplace_moves_no_files_of_the_user(tmp_path) -> None:
    documents, out = tmp_path / "documents", tmp_path / "out"
    documents.mkdir()
    (documents / "thesis.tex").write_text("years of work")
    for number, name in enumerate((OLD, NEW, TRASH)):
        place = out / f"{PREFIX}{number:032x}"
        place.mkdir(parents=True)
        (place / LOCK).write_text("")
        (place / name).symlink_to(documents)
    (out / f"{PREFIX}{9:032x}").symlink_to(documents)
    remove_leavings(out)
    assert [path.name for path in documents.iterdir()] == ["thesis.tex"]
    assert [path.name for path in out.iterdir()] == [f"{PREFIX}{9:032x}"]


def _left_behind(parent, number, name) -> Path:
    """A workplace of a process that was killed while it replaced a result."""
    place = parent / f"{PREFIX}{number:032x}"
    (place / OLD / name).mkdir(parents=True)
    (place / LOCK).write_text("")
    return place


@pytest.mark.skipif(sys.platform == "win32", reason="needs locks")
def test_place_that_cannot_be_cleared_stops_the_recovery_of_no_other(tmp_path, monkeypatch) -> None:
    (tmp_path / f"{PREFIX}{0:032x}").write_text("a file")
    os.mkfifo(tmp_path / f"{PREFIX}{1:032x}")
    names = [f"result-{number}" for number in range(3)]
    places = [_left_behind(tmp_path, 2 + number, name) for number, name in enumerate(names)]
    pipe = _left_behind(tmp_path, 9, "lost")
    (pipe / LOCK).unlink()
    os.mkfifo(pipe / LOCK)
    listed = Path.iterdir

    def iterdir(path):
        if path == tmp_path:  # in any order: here the one of another user is the second
            return iter(sorted(listed(path)))
        if path == places[1]:
            raise PermissionError
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    remove_leavings(tmp_path)
    monkeypatch.undo()
    assert [(tmp_path / name).is_dir() for name in names] == [True, False, True]
    assert not places[0].exists()
    assert not places[2].exists()


@pytest.mark.skipif(sys.platform == "win32", reason="needs locks")
def test_lock_that_cannot_be_written_is_opened_to_read(tmp_path, monkeypatch) -> None:
    _left_behind(tmp_path, 0, "result")
    opened = os.open

    def refuse(path, flags, *arguments, **settings):
        if flags & os.O_RDWR and Path(path).name == LOCK:
            raise PermissionError(13, "Permission denied")
        return opened(path, flags, *arguments, **settings)

    monkeypatch.setattr(os, "open", refuse)
    remove_leavings(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["result"]


@pytest.mark.parametrize(
    "name", ["results", "backup", "0" * 31, "0" * 33, "A" * 32, "0" * 32 + "\n"]
)
def test_folder_of_the_user_with_a_similar_name_is_no_workplace(tmp_path, name) -> None:
    folder = tmp_path / f"{PREFIX}{name}"
    for part in (NEW, TRASH):
        (folder / part).mkdir(parents=True)
        (folder / part / "thesis.tex").write_text("years of work")
    os.utime(folder, (0, 0))
    remove_leavings(tmp_path)
    assert all((folder / part / "thesis.tex").exists() for part in (NEW, TRASH))


def test_name_of_a_workplace_is_refused_for_a_result(tmp_path) -> None:
    place = tmp_path / f"{PREFIX}{7:032x}"
    for folder in (place, place / NEW):
        with pytest.raises(InputError, match="another name"), new_folder(folder):
            pass
    with pytest.raises(InputError, match="another name"):
        checks.writable(place)
    assert not list(tmp_path.iterdir())


def test_test_of_writing_leaves_only_what_the_next_command_removes(tmp_path, monkeypatch) -> None:
    made: list[Path] = []
    mkdir = Path.mkdir

    def record(path, *arguments, **settings):
        made.append(path)
        return mkdir(path, *arguments, **settings)

    monkeypatch.setattr(Path, "mkdir", record)
    checks.writable(tmp_path)
    assert made
    assert all(map(is_workplace, made))


def test_changed_manifest_stops_overwriting(tmp_path) -> None:
    folder = tmp_path / "result"
    _result(folder)
    manifest = folder / "manifest.json"
    written = manifest.read_bytes()
    check_new(folder, overwrite=True)
    for edited in (
        written.replace(b'"old"', b'"old, see my notes"'),
        written + b"\n",
        written.replace(json.loads(written)[WRITTEN]["manifest.json"].encode(), b""),
    ):
        manifest.write_bytes(edited)
        with pytest.raises(InputError, match=r"did not write \(manifest.json\)"):
            check_new(folder, overwrite=True)
    content = json.loads(written)
    del content[WRITTEN]["manifest.json"]  # as earlier versions wrote it
    manifest.write_text(json.dumps(content))
    check_new(folder, overwrite=True)


def _die(*_arguments, **_settings) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _die_before_rename(number) -> None:
    rename, calls = Path.rename, []

    def rename_or_die(path, target):
        calls.append(path)
        return _die() if len(calls) == number else rename(path, target)

    Path.rename = rename_or_die


def _overwrite(folder) -> None:
    """Overwrite a result; the process is killed at the point that the folder is named after."""
    if folder.name in RENAMES:
        _die_before_rename(1 + RENAMES.index(folder.name))
    if folder.name == "removing":
        shutil.rmtree = _die
    with new_folder(folder, overwrite=True) as unfinished:
        (unfinished / "a").write_text("new")
        if folder.name == "writing":
            _die()
        write_manifest(unfinished, {"result": "new"})


def _kill_while_overwriting(folder) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fork beside threads: the child only writes files
        child = os.fork()
    if not child:
        try:
            _overwrite(folder)
        finally:
            os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork and locks")
def test_kill_while_overwriting_leaves_one_result_and_no_leavings(tmp_path) -> None:
    for name in POINTS:
        with new_folder(tmp_path / name / name) as unfinished:
            (unfinished / "a").write_text("old")
            write_manifest(unfinished, {"result": "old"})
        _kill_while_overwriting(tmp_path / name / name)
    for name, expected in POINTS.items():
        parent = tmp_path / name
        assert [path for path in parent.iterdir() if path.name.startswith(PREFIX)], name
        if name == "locking":  # without a lock its age tells that it was left behind
            (left,) = parent.glob(f"{PREFIX}*")
            remove_leavings(parent)
            assert left.exists()
            os.utime(left, (0, 0))
        with pytest.raises(InputError, match="exists already"):
            check_new(parent / name, overwrite=False)
        assert [path.name for path in parent.iterdir()] == [name]
        assert (parent / name / "a").read_text() == expected
        assert json.loads((parent / name / "manifest.json").read_text())["result"] == expected


@pytest.mark.skipif(sys.platform == "win32", reason="needs locks")
def test_workplace_of_a_running_process_is_left_alone(tmp_path) -> None:
    other = tmp_path / f"{PREFIX}{1:032x}"
    other.mkdir()
    (other / "mine.txt").write_text("not written by unsee")
    os.utime(other, (0, 0))
    with workplace(tmp_path) as place:
        (place / NEW).write_text("half")
        os.utime(place, (0, 0))
        remove_leavings(tmp_path)
        assert (place / NEW).read_text() == "half"
        assert (place / LOCK).exists()
    assert [path.name for path in tmp_path.iterdir()] == [other.name]
    assert (other / "mine.txt").exists()


def test_workplace_without_a_lock_is_left_alone_for_a_day(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("unsee.storage.workplace.fcntl", None)
    with new_folder(tmp_path / "result") as unfinished:
        write_manifest(unfinished, {})
    place = tmp_path / f"{PREFIX}{0:032x}"
    (place / OLD).mkdir(parents=True)
    (tmp_path / "result").rename(place / OLD / "result")
    remove_leavings(tmp_path)
    assert place.exists()
    yesterday = time.time() - MAX_AGE - 60
    os.utime(place, (yesterday, yesterday))
    remove_leavings(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["result"]


def test_new_file_replaces_the_old_one_when_it_is_complete(tmp_path) -> None:
    path = tmp_path / "rows"
    path.write_text("old")
    with pytest.raises(TypeError), new_file(path) as unfinished:
        unfinished.write_bytes(b"half", None)
    assert path.read_text() == "old"
    with new_file(path) as unfinished:
        unfinished.write_text("new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(DiskFullError, match="rows: cannot be written"), new_file(path):
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("name", ["x" * 300, "null\0character"])
def test_impossible_folder_is_refused(tmp_path, name) -> None:
    with pytest.raises(InputError, match="cannot be written"), new_folder(tmp_path / name):
        pass


def test_other_errors_while_writing_pass_unchanged(tmp_path) -> None:
    for error in (InputError("null.png: no photo"), ValueError("null")):
        with pytest.raises(type(error), match=str(error)), new_folder(tmp_path / "a"):
            raise error


def test_longest_name_of_a_folder_is_written(tmp_path) -> None:
    with new_folder(tmp_path / ("x" * 255)) as unfinished:
        write_manifest(unfinished, {"path": os.fsdecode(b"\xff.png")})
    manifest = json.loads((tmp_path / ("x" * 255) / "manifest.json").read_text("utf-8"))
    assert os.fsencode(manifest["path"]) == b"\xff.png"


def test_manifest_of_values_that_are_not_plain_is_refused(tmp_path) -> None:
    for value in (float("nan"), {1, 2}):
        with pytest.raises(InputError, match="JSON cannot hold"), new_folder(tmp_path / "a") as new:
            write_manifest(new, {"value": value})
    assert not list(tmp_path.iterdir())


@pytest.fixture
def mounted(tmp_path, monkeypatch):
    """An empty folder and a result that cannot be moved, as where file systems are mounted."""
    folders = [tmp_path / "empty", tmp_path / "result"]
    folders[0].mkdir()
    _result(folders[1])
    rename = Path.rename

    def refuse(path, target):
        if path in folders:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)
    return folders


def test_folder_that_cannot_be_moved_is_refused_before_the_work(mounted, tmp_path) -> None:
    for folder in mounted:
        with pytest.raises(InputError, match=rf"{folder.name}: cannot be replaced \(.*busy"):
            checks.new_result(folder, overwrite=True)
    assert (tmp_path / "result" / "a").read_text() == "old"
    checks.new_result(mounted[0] / "below", overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "result"]


def test_result_that_can_be_replaced_is_the_same_after_the_check(tmp_path) -> None:
    _result(tmp_path / "result")
    (tmp_path / "link").symlink_to(tmp_path / "result")
    for name in ("result", "link"):
        checks.new_result(tmp_path / name, overwrite=True)
        assert (tmp_path / name / "a").read_text() == "old"
    assert (tmp_path / "link").is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "result"]


def test_next_free_name_is_of_nothing_that_exists(tmp_path, monkeypatch) -> None:
    assert next_free(tmp_path / "a") == tmp_path / "a-2"
    (tmp_path / "a-2").mkdir()
    (tmp_path / "a-3").symlink_to(tmp_path / "nothing")
    assert next_free(tmp_path / "a") == tmp_path / "a-4"
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert next_free(Path()) == tmp_path / "here-2"
