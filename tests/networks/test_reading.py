"""Reading tensors from files that may be something else."""

import io
import os
import pickle
import struct
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from unsee import InputError
from unsee.networks.reading import kind_of, read
from unsee.networks.weights import Published, find, load_trained, random_state_kept


class Program:
    """Creates a file when it is unpickled."""

    def __reduce__(self):
        return (Path.touch, (Path("program-was-run"),))


def zipped(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def saved(path, content, **settings):
    torch.save(content, path, **settings)
    return path


def recompressed(path):
    """Return a file of torch.save whose zeros are compressed, as in a zip bomb."""
    with zipfile.ZipFile(saved(path, {"a": torch.zeros(100_000)})) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return zipped(path, members, zipfile.ZIP_DEFLATED)


def header(path, text):
    path.write_bytes(struct.pack("<Q", len(text)) + text)
    return path


def truncated(path):
    content = saved(path, {"a": torch.zeros(100_000)}).read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


def pickled(path):
    path.write_bytes(pickle.dumps(Program()))
    return path


LIES = {
    "pickle": (pickled, "weights.pth"),
    "old-format": (
        lambda path: saved(path, Program(), _use_new_zipfile_serialization=False), "weights.pth"
    ),
    "in-state-dict": (lambda path: saved(path, {"state_dict": Program()}), "weights.pth"),
    "compressed": (recompressed, "weights.pth"),
    "truncated": (truncated, "weights.pth"),
    "expanded": (lambda path: saved(path, {"a": torch.zeros(1).expand(1 << 40)}), "weights.pt"),
    "sparse": (lambda path: saved(path, {"a": torch.eye(3).to_sparse()}), "weights.pt"),
    "meta": (lambda path: saved(path, {"a": torch.empty(3, device="meta")}), "weights.pt"),
    "numbers": (lambda path: saved(path, {"a": 1}), "weights.pt"),
    "keys": (lambda path: saved(path, {1: torch.ones(1)}), "weights.pt"),
    "program": (lambda path: zipped(path, {"m/model.json": "{}", "m/data.pkl": ""}), "net.pth"),
    "huge-header": (lambda path: header(path, b"{" * 1000), "net.safetensors"),
    "huge-tensor": (
        lambda path: header(path, b'{"a":{"dtype":"F32","shape":[99999999999],'
                                  b'"data_offsets":[0,399999999996]}}'), "net.safetensors",
    ),
    "pickle-as-safetensors": (pickled, "net.safetensors"),
    "empty": (lambda path: (path.write_bytes(b"") and path) or path, "net.pth"),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:Sparse")
@pytest.mark.parametrize("name", LIES)
def test_files_that_lie_are_refused_in_a_line(name, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    make, file = LIES[name]
    path = make(tmp_path / file)
    with pytest.raises(InputError, match=file) as error:
        read(path)
    assert "\n" not in str(error.value)
    assert not Path("program-was-run").exists()


def test_pipes_and_folders_are_refused_without_opening_them(tmp_path) -> None:
    os.mkfifo(tmp_path / "pipe.pth")
    with pytest.raises(InputError, match="device or a pipe"):
        read(tmp_path / "pipe.pth")
    with pytest.raises(InputError, match="is a folder"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("members", "kind"),
    [
        ({"a/data.pkl": "", "a/data/0": "", "a/version": "3"}, "weights"),
        ({"a/data.pkl": "", "a/code/net.py": ""}, "script"),
        ({"a/models/model.json": "", "a/archive_format": "pt2"}, "export"),
        ({"a/data.pkl": "", "a/extra/evil": ""}, "export"),
        ({"a/data/aotinductor/model/net.wrapper.so": ""}, "compiled"),
    ],
)
def test_kind_is_told_by_the_content(tmp_path, members, kind) -> None:
    for name in ("net.pth", "net.pt2", "net.safetensors"):
        assert kind_of(zipped(tmp_path / name, members)) == kind


def test_plain_weights_are_read(tmp_path) -> None:
    weights = {"a": torch.arange(6.0).view(2, 3).t(), "b": torch.zeros(0)}
    for path in (
        saved(tmp_path / "new.pt", weights),
        saved(tmp_path / "old.pt", weights, _use_new_zipfile_serialization=False),
    ):
        assert torch.equal(read(path)["a"], weights["a"])
    buffer = io.BytesIO()
    torch.save({"model_state_dict": weights, "epoch": 3}, buffer)
    (tmp_path / "wrapped.pt").write_bytes(buffer.getvalue())
    assert read(tmp_path / "wrapped.pt").keys() == weights.keys()


@pytest.mark.parametrize("stages", ["no json", "3", "[1]"])
def test_metadata_that_lie_are_refused(stages, tmp_path) -> None:
    save_file({"a": torch.ones(1)}, tmp_path / "net.safetensors", {"stages": stages})
    with pytest.raises(InputError, match=r"net\.safetensors"):
        load_trained(tmp_path / "net.safetensors", ("stages",), "decoder")


def test_random_state_is_kept() -> None:
    before = torch.get_rng_state()
    with random_state_kept():
        torch.nn.Linear(3, 3)
    assert torch.equal(torch.get_rng_state(), before)
    assert find(None, Published("painter.safetensors", "", "")).exists()
