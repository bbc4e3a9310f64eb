import sys

import pytest

from unsee.storage import locks
from unsee.storage.locks import Sharing

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs locks")


def test_process_is_alone_until_another_joins_and_after_it_has_left(tmp_path) -> None:
    mark = tmp_path / "mark"
    assert Sharing.join(mark) is None
    mark.write_text("")
    first, second = Sharing.join(mark), Sharing.join(mark)
    assert first is not None
    assert second is not None
    assert not first.alone()
    assert not second.alone()  # the first has kept its share
    second.close()
    assert first.alone()


def test_share_ends_with_its_object(tmp_path) -> None:
    mark = tmp_path / "mark"
    mark.write_text("")
    first, second = Sharing.join(mark), Sharing.join(mark)
    assert not first.alone()
    del second
    assert first.alone()


def test_share_in_a_file_that_was_replaced_is_none(tmp_path) -> None:
    mark = tmp_path / "mark"
    mark.write_text("")
    first = Sharing.join(mark)
    (tmp_path / "new").write_text("")
    (tmp_path / "new").replace(mark)
    assert not first.alone()


def test_file_that_is_removed_while_a_process_waits_is_no_longer_joined(
    tmp_path, monkeypatch
) -> None:
    mark = tmp_path / "mark"
    mark.write_text("")
    first = Sharing.join(mark)
    assert first.alone()

    def remove(_seconds) -> None:
        mark.unlink()
        first.close()

    monkeypatch.setattr(locks.time, "sleep", remove)
    assert Sharing.join(mark) is None


def test_without_locks_no_process_counts_as_alone(tmp_path, monkeypatch) -> None:
    mark = tmp_path / "mark"
    mark.write_text("")
    (tmp_path / "link").symlink_to(mark)
    assert not Sharing.join(tmp_path / "link").alone()

    def refuse(*_arguments) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(locks.fcntl, "flock", refuse)
    sharing = Sharing.join(mark)
    assert not sharing.alone()


def test_only_share_keeps_others_out_until_it_is_given_up(tmp_path) -> None:
    mark = tmp_path / "mark"
    assert Sharing.hold(mark) is None
    mark.write_text("")
    first = Sharing.hold(mark)
    assert first.alone()
    with pytest.raises(BlockingIOError):
        Sharing.hold(mark)
    first.close()
    second = Sharing.join(mark)
    with pytest.raises(BlockingIOError):
        Sharing.hold(mark)
    second.close()
    assert Sharing.hold(mark).alone()
