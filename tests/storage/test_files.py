"""Reading of files that a user names."""

import os
import zipfile

import pytest

from unsee.errors import InputError
from unsee.storage import files


def test_named_pipes_and_devices_are_refused_without_being_opened(tmp_path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/zero"):
        with pytest.raises(InputError, match="is a device or a pipe"):
            files.read_bytes(path)


def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(files.MAX_BYTES + 1)
    with pytest.raises(InputError, match="more than the 268,435,456 allowed"):
        files.read_bytes(path)


def test_files_of_proc_have_no_size_and_are_read_as_empty() -> None:
    assert files.read_bytes("/proc/self/status") == b""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_declared_encodings_are_read(tmp_path, encoding) -> None:
    (tmp_path / "names.txt").write_text("Füchse\n", encoding=encoding)
    assert files.read_text(tmp_path / "names.txt") == "Füchse\n"


def test_an_undeclared_encoding_is_refused(tmp_path) -> None:
    (tmp_path / "names.txt").write_text("Füchse\n", encoding="latin-1")
    with pytest.raises(InputError, match=r"names.txt: not UTF-8 text \(byte 1\)"):
        files.read_text(tmp_path / "names.txt")


@pytest.mark.parametrize("text", ["[" * 100_000, "9" * 5000, '{"a": ', "nul"])
def test_json_that_cannot_be_parsed_is_refused(text) -> None:
    with pytest.raises(InputError, match=r"a\.json: not JSON that can be read"):
        files.parse_json(text, "a.json")


def test_a_key_of_many_parts_is_refused_before_it_is_parsed(tmp_path) -> None:
    for text in (".".join("a" * 50_000) + " = 1", f"[{'.'.join('a' * 50_000)}]"):
        (tmp_path / "a.toml").write_text(text)
        with pytest.raises(InputError, match=r"a\.toml: a key has more than 100 parts"):
            files.read_toml(tmp_path / "a.toml")
    numbers = ", ".join(["0.5"] * 500)
    (tmp_path / "a.toml").write_text(f"a.b = [{numbers}]")
    assert len(files.read_toml(tmp_path / "a.toml")["a"]["b"]) == 500


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "a/b"])
def test_a_path_that_cannot_exist_is_nothing(tmp_path, name) -> None:
    (tmp_path / "a").touch()
    for question in (files.exists, files.is_file, files.is_folder):
        assert not question(tmp_path / name)
    assert files.exists(tmp_path / "a")
    assert files.is_file(tmp_path / "a")
    assert files.is_folder(tmp_path)


def test_toml_that_cannot_be_parsed_is_refused(tmp_path) -> None:
    for text in ("a = ", "a = " + "[" * 100_000):
        (tmp_path / "a.toml").write_text(text)
        with pytest.raises(InputError, match=r"a\.toml: not TOML that can be read"):
            files.read_toml(tmp_path / "a.toml")


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../a.jpg", "a/../../b", "C:a.jpg", "\\\\host\\a", "", "a\0b"]
)
def test_names_that_lead_out_of_a_data_set_are_refused(name) -> None:
    with pytest.raises(InputError, match="leads out of the data set"):
        files.check_relative(name, "annotations.json")


@pytest.mark.parametrize("name", ["a.jpg", "a/b c.jpg", "..a.jpg", "a..b/c"])
def test_names_inside_a_data_set_are_accepted(name) -> None:
    assert files.check_relative(name, "annotations.json") == name


def test_a_member_of_an_archive_that_is_too_large_is_refused(tmp_path, monkeypatch) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(1000))
    monkeypatch.setattr(files, "MAX_BYTES", 999)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        with pytest.raises(InputError, match="a has 1,000 bytes, more than the 999 allowed"):
            files.read_member(archive, "a", "a.zip")
        with pytest.raises(InputError, match="b cannot be read"):
            files.read_member(archive, "b", "a.zip")


@pytest.mark.parametrize("text", ["²", "٣", "-1", "+1", "1_0", "1.0", " 1", "", "9" * 5000])
def test_indices_are_ascii_digits_only(text) -> None:
    with pytest.raises(InputError, match=r"class: expected a number from 0 to 999999") as caught:
        files.parse_index(text, "class")
    assert len(str(caught.value)) < 200
    assert files.parse_index("0042", "class") == 42


def test_a_limit_of_bytes_for_text_and_members(tmp_path) -> None:
    (tmp_path / "a.json").write_text("[1, 2, 3]")
    assert files.read_json(tmp_path / "a.json", limit=9) == [1, 2, 3]
    with pytest.raises(InputError, match="9 bytes are more than the 8 allowed"):
        files.read_json(tmp_path / "a.json", limit=8)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a", bytes(9))
    with (
        zipfile.ZipFile(tmp_path / "a.zip") as archive,
        pytest.raises(InputError, match="more than the 8 allowed"),
    ):
        files.read_member(archive, "a", "a.zip", 8)
