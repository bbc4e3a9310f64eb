import pickle
import zipfile

import numpy as np
import pytest

from unsee import InputError
from unsee.storage.arrays import read_arrays, write_arrays


class Executed:
    def __reduce__(self):
        return exec, ("raise SystemExit('a pickle was executed')",)


def test_arrays_of_any_name_come_back(tmp_path) -> None:
    arrays = {"file": np.arange(4.0), "a/b.png": np.zeros((2, 3), np.float16), "猫": np.ones(1)}
    write_arrays(tmp_path / "a.npz", arrays)
    back = read_arrays(tmp_path / "a.npz")
    assert back.keys() == arrays.keys()
    for name, array in arrays.items():
        assert back[name].dtype == array.dtype
        np.testing.assert_array_equal(back[name], array)
    assert read_arrays(tmp_path / "a.npz", ["file", "other"]).keys() == {"file"}
    with np.load(tmp_path / "a.npz") as loaded:
        assert set(loaded) == arrays.keys()


def _member(path, content: bytes, name: str = "a.npy") -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)


def _header(shape: str, version: bytes = b"\x01\x00", dtype: str = "<f8") -> bytes:
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    length = len(text).to_bytes(2 if version == b"\x01\x00" else 4, "little")
    return b"\x93NUMPY" + version + length + text


@pytest.mark.parametrize(
    "content",
    [
        b"", b"not an array", _header("(1000000000000,)"), _header("(-8, -8)"),
        _header("(2**99,)"), _header("(4,)", dtype="|O") + pickle.dumps([Executed()]),
        _header("(1,)", b"\x09\x00") + bytes(8), _header("(2,)") + bytes(8),
        b"\x93NUMPY\x01\x00\xff\xff" + b"[" * 60000,
    ],
)  # fmt: skip
def test_damaged_arrays_are_refused(tmp_path, content) -> None:
    _member(tmp_path / "a.npz", content)
    with pytest.raises(InputError, match=r"a\.npz"):
        read_arrays(tmp_path / "a.npz")


def test_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("unsee.storage.arrays.MAX_BYTES", 2**20)
    with (
        zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.npy", "w") as member,
    ):
        member.write(_header("(3, 1048576)", dtype="|u1"))
        for _ in range(3):
            member.write(bytes(2**20))
    with pytest.raises(InputError, match="bytes allowed"):
        read_arrays(tmp_path / "a.npz")


def test_file_that_is_no_archive_is_refused(tmp_path) -> None:
    for content in (b"", b"text", pickle.dumps(Executed()), b"PK\x05\x06" + bytes(9)):
        (tmp_path / "a.npz").write_bytes(content)
        with pytest.raises(InputError, match=r"a\.npz"):
            read_arrays(tmp_path / "a.npz")
    with pytest.raises(InputError, match="no such file"):
        read_arrays(tmp_path / "b.npz")
