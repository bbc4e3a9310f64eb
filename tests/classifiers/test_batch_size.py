import json

import pytest
import torch

from tests.conftest import Convolutional, toy
from unsee import InputError, explain
from unsee.classifiers.batch_size import Chunks, best
from unsee.classifiers.chunked import map_chunks
from unsee.classifiers.measures import probability
from unsee.folders import cache_folder


class Cramped(Convolutional):
    """Runs out of memory above so many images, like a GPU."""

    room = 3
    asked: list[int]

    def forward(self, x):
        self.asked = [*getattr(self, "asked", []), len(x)]
        if len(x) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return super().forward(x)


@pytest.mark.parametrize("gradient", [False, True])
def test_a_chunk_without_room_is_halved_and_remembered(images, gradient) -> None:
    images = images.repeat(4, 1, 1, 1).requires_grad_(gradient)
    targets = torch.ones(12, dtype=torch.long)
    network = toy(Cramped(), chunk=12)
    got = network.score(images, targets, probability)
    torch.testing.assert_close(got, toy(Convolutional()).score(images, targets, probability))
    assert network.model.asked == [12, 6, 3, 3, 3, 3]
    network.score(images, targets, probability)
    assert network.model.asked[6:] == [3, 3, 3, 3]
    assert network.passes.forwards == 24


def test_other_errors_are_not_taken_for_a_lack_of_memory() -> None:
    def broken(x, part):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="multiplied"):
        map_chunks(broken, torch.rand(4, 2), 4)


def test_no_room_for_a_single_image_is_said(images) -> None:
    network = toy(Cramped(), chunk=8)
    network.model.room = 0
    with pytest.raises(InputError, match=r"out of memory .* one image"):
        explain(network, images, "rise", targets=1)


def test_the_best_size_is_the_fastest_of_those_that_fit() -> None:
    def seconds(size):
        if size > 32:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return 0.1 + 0.01 * size

    assert best((4, 8, 16, 32, 64), seconds) == 32
    assert best((4, 8, 16, 32, 64), lambda size: 0.01 * size) == 4  # no gain, less memory
    assert best((4, 8, 16, 32, 64), lambda size: 0.01 * size**2) == 4


def test_a_size_is_measured_once_and_kept_for_the_next_process(images, tmp_path, monkeypatch):
    monkeypatch.setenv("UNSEE_CACHE", str(tmp_path / "new"))
    tries = []

    def seconds(size):
        tries.append(size)
        return 0.1 + 0.01 * size

    assert Chunks().size("key", "cpu", 100, seconds) == 32
    measured = len(tries)
    assert Chunks().size("key", "cpu", 100, seconds) == 32
    assert len(tries) == measured
    assert json.loads((cache_folder() / "chunks.json").read_text()) == {"key": 32}
    (cache_folder() / "chunks.json").write_text("{broken")
    assert Chunks().size("key", "cpu", 100, seconds) == 32
    assert Chunks().size("few", "cpu", 3, seconds) == 4
    assert Chunks(7).size("key", "cpu", 100, seconds) == 7


def test_a_cache_that_cannot_be_written_is_no_error(monkeypatch) -> None:
    monkeypatch.setenv("UNSEE_CACHE", "/proc/nowhere")
    assert Chunks().size("key", "cpu", 100, lambda size: 0.01 * size) == 4


def test_measuring_leaves_no_trace(images) -> None:
    network = toy(Convolutional(), chunk=0)
    images = images.repeat(6, 1, 1, 1)
    targets = torch.ones(18, dtype=torch.long)
    got = network.score(images, targets, probability)
    torch.testing.assert_close(got, toy(Convolutional()).score(images, targets, probability))
    assert network.passes.forwards == 18
    assert network.settings()["chunk"] in {4, 8, 16, 32}
    assert all(p.grad is None for p in network.model.parameters())
