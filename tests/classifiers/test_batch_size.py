import json
import os
from dataclasses import replace

import pytest
import torch

from tests.conftest import Convolutional, toy
from unsee import InputError, explain
from unsee.classifiers.batch_size import BatchSizes, fastest, read
from unsee.classifiers.chunked import map_chunks
from unsee.classifiers.measures import probability
from unsee.storage.folders import cache_folder


class SmallMemory(Convolutional):
    """A network that runs out of memory above a batch size, as on a GPU."""

    max_batch = 3
    batches: list[int]

    def forward(self, x):
        self.batches = [*getattr(self, "batches", []), len(x)]
        if len(x) > self.max_batch:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return super().forward(x)


@pytest.mark.parametrize("gradient", [False, True])
def test_chunk_that_does_not_fit_is_halved_and_the_size_kept(images, gradient) -> None:
    images = images.repeat(4, 1, 1, 1).requires_grad_(gradient)
    targets = torch.ones(12, dtype=torch.long)
    network = toy(SmallMemory(), chunk=12)
    got = network.score(images, targets, probability)
    torch.testing.assert_close(got, toy(Convolutional()).score(images, targets, probability))
    assert network.model.batches == [12, 6, 3, 3, 3, 3]
    network.score(images, targets, probability)
    assert network.model.batches[6:] == [3, 3, 3, 3]
    assert network.passes.forwards == 24
    assert network.settings()["chunk"] == {"backward" if gradient else "forward": 3}


def test_other_errors_are_raised() -> None:
    def broken(x, part):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="multiplied"):
        map_chunks(broken, torch.rand(4, 2), 4)


def test_error_if_a_single_image_does_not_fit(images) -> None:
    network = toy(SmallMemory(), chunk=8)
    network.model.max_batch = 0
    with pytest.raises(InputError, match=r"out of memory .* one image"):
        explain(network, images, "rise", targets=1)


def test_fastest_size_that_fits_is_chosen() -> None:
    def seconds(size):
        if size > 32:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return 0.1 + 0.01 * size

    assert fastest((4, 8, 16, 32, 64), seconds) == 32
    assert fastest((4, 8, 16, 32, 64), lambda size: 0.01 * size) == 4  # not faster, more memory
    assert fastest((4, 8, 16, 32, 64), lambda size: 0.01 * size**2) == 4


def test_size_is_measured_once_and_read_by_later_processes(images, tmp_path, monkeypatch):
    monkeypatch.setenv("UNSEE_CACHE", str(tmp_path / "new"))
    tries = []

    def seconds(size):
        tries.append(size)
        return 0.1 + 0.01 * size

    assert BatchSizes().size("key", "cpu", 100, seconds) == 32
    measured = len(tries)
    assert BatchSizes().size("key", "cpu", 100, seconds) == 32
    assert len(tries) == measured
    assert json.loads((cache_folder() / "chunks.json").read_text()) == {"key": 32}
    (cache_folder() / "chunks.json").write_text("{broken")
    assert BatchSizes().size("key", "cpu", 100, seconds) == 32
    assert BatchSizes().size("few", "cpu", 3, seconds) == 4
    assert BatchSizes(chunk=7).size("key", "cpu", 100, seconds) == 7


def test_unwritable_cache_is_ignored(monkeypatch) -> None:
    monkeypatch.setenv("UNSEE_CACHE", "/proc/nowhere")
    assert BatchSizes().size("key", "cpu", 100, lambda size: 0.01 * size) == 4


NO_SIZES = (
    b"", b"{broken", b"[]", b"3", b"null", b"\xff\xfe{", b"\x00\xff", b"[" * 100_000,
    b'{"key": "32"}', b'{"key": true}', b'{"key": 1e3}', b'{"key": null}', b'{"key": [4]}',
    b'{"chunks": [1, 2], "key": 4}',
    b'{"key": 0}', b'{"key": -4}', b'{"key": 99999999999}', b'{"key": NaN}', b'{"key": {"key": 4}}',
)  # fmt: skip


@pytest.mark.parametrize("content", NO_SIZES, ids=range(len(NO_SIZES)))
def test_content_that_is_no_size_is_not_used_and_stays(tmp_path, monkeypatch, content) -> None:
    monkeypatch.setenv("UNSEE_CACHE", str(tmp_path))
    (tmp_path / "chunks.json").write_bytes(content)
    assert BatchSizes().size("key", "cpu", 100, lambda size: 0.1 + 0.01 * size) == 32
    assert (tmp_path / "chunks.json").read_bytes() == content  # it may be another program's
    assert [path.name for path in tmp_path.iterdir()] == ["chunks.json"]


def test_sizes_of_others_are_kept(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("UNSEE_CACHE", str(tmp_path))
    (tmp_path / "elsewhere").write_text('{"other": 8}')
    (tmp_path / "chunks.json").symlink_to(tmp_path / "elsewhere")
    BatchSizes().size("key", "cpu", 100, lambda size: 0.1 + 0.01 * size)
    assert json.loads((tmp_path / "chunks.json").read_text()) == {"other": 8, "key": 32}
    assert (tmp_path / "chunks.json").is_symlink()


def test_failure_to_store_leaves_no_file(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("UNSEE_CACHE", str(tmp_path))
    (tmp_path / "chunks.json").mkdir()  # a file cannot replace a folder
    assert BatchSizes().size("key", "cpu", 100, lambda size: 0.1 + 0.01 * size) == 32
    assert [path.name for path in tmp_path.iterdir()] == ["chunks.json"]
    monkeypatch.setenv("UNSEE_CACHE", str(tmp_path / "file" / "below"))
    (tmp_path / "file").write_text("")
    assert BatchSizes().size("key", "cpu", 100, lambda size: 0.1 + 0.01 * size) == 32


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_pipe_in_place_of_the_file_is_not_opened(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("UNSEE_CACHE", str(tmp_path))
    os.mkfifo(tmp_path / "chunks.json")
    assert read("key") is None  # opening it would wait for a writer


def test_sizes_are_recorded_by_kind_of_pass(images) -> None:
    network = toy(Convolutional(), chunk=2)
    assert network.settings()["chunk"] == 2
    network.score(images.requires_grad_(), torch.zeros(3, dtype=torch.long), probability)
    assert network.settings()["chunk"] == {"backward": 2}
    network.predict(images.detach())
    assert network.settings()["chunk"] == {"backward": 2, "forward": 2}


def test_measuring_counts_no_passes_and_leaves_no_gradients(images) -> None:
    network = toy(Convolutional(), chunk=None)
    images = images.repeat(6, 1, 1, 1)
    targets = torch.ones(18, dtype=torch.long)
    got = network.score(images, targets, probability)
    torch.testing.assert_close(got, toy(Convolutional()).score(images, targets, probability))
    assert network.passes.forwards == 18
    assert network.settings()["chunk"]["forward"] in {4, 8, 16, 32}
    assert all(p.grad is None for p in network.model.parameters())


def test_replace_keeps_measured_sizes_of_the_same_network(network) -> None:
    network.batch_sizes.sizes["key"] = 32
    assert replace(network, precision=torch.bfloat16).batch_sizes is network.batch_sizes
    assert replace(network, chunk=3).batch_sizes.sizes == {}
    assert replace(network, model=Convolutional().eval()).batch_sizes.sizes == {}
    assert network.batch_sizes.sizes == {"key": 32}
