"""The deterministic mode sets what it needs, and restores it."""

import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from tests.classifiers.test_batch_size import SmallMemory
from tests.conftest import Convolutional, toy
from unsee import InputError, Study, explain
from unsee.classifiers import determinism
from unsee.classifiers.determinism import CHUNK

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def two_threads():
    with threadpool_limits(2, "blas"):
        torch.set_num_threads(2)
        try:
            yield
        finally:
            torch.set_num_threads(1)


def threads() -> set[int]:
    """The numbers of threads of torch and of the libraries of linear algebra."""
    pools = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    assert pools  # NumPy's at least
    return {torch.get_num_threads(), *pools}


class Watched(Convolutional):
    """Records the number of images and of threads of each pass."""

    passes: list[tuple[int, int]]

    def forward(self, x):
        self.passes = [*getattr(self, "passes", []), (len(x), torch.get_num_threads())]
        return super().forward(x)


def test_mode_has_one_thread_and_restores_the_number() -> None:
    assert threads() == {2}
    with determinism.mode(CPU):
        assert threads() == {1}
        with determinism.mode(CPU):
            assert threads() == {1}
        assert threads() == {1}
        assert determinism.is_on()
    assert threads() == {2}
    assert not determinism.is_on()
    with pytest.raises(KeyError), determinism.mode(CPU):
        raise KeyError
    assert threads() == {2}
    assert not determinism.is_on()
    with determinism.mode(CPU, on=False):
        assert threads() == {2}


def test_consumer_of_steps_runs_outside_of_the_mode(images) -> None:
    study = Study.of(toy(Convolutional()), images, "tide", steps=3, grid=8, deterministic=True)
    assert threads() == {2}
    steps = study.steps()
    next(steps)
    assert threads() == {2}
    assert not determinism.is_on()
    steps.close()  # abandoned
    assert threads() == {2}


def test_error_of_the_network_restores_the_threads(images) -> None:
    class Broken(Convolutional):
        def forward(self, x):
            raise RuntimeError("no")

    with pytest.raises(InputError, match="RuntimeError: no"):
        explain(toy(Broken()), images, "rise", deterministic=True)
    assert threads() == {2}


def test_every_pass_has_one_thread_and_the_fixed_chunk(images) -> None:
    network = toy(Watched(), chunk=None, sampling_precision=torch.bfloat16)
    explanation = explain(network, images, "rise", samples=40, deterministic=True)
    assert network.model.passes[-12:] == 3 * [(1, 1)] + 3 * [(CHUNK, 1), (CHUNK, 1), (8, 1)]
    assert {threads for _, threads in network.model.passes} == {1}
    assert network.passes.forwards == 3 + 3 * 40
    assert network.chunk is None  # the caller's classifier is left as it was
    settings = explanation.provenance["classifier"]
    assert settings["chunk"] == {"forward": CHUNK}
    assert settings["sampling_precision"] == "float32"
    assert explanation.provenance["deterministic"] is True
    assert explain(network, images, "rise", samples=4).provenance["deterministic"] is False


def test_progress_covers_all_images(images) -> None:
    study = Study.of(toy(Convolutional()), images, "tide", steps=2, grid=8, deterministic=True)
    steps = list(study.steps())
    assert [step.done for step in steps] == [1, 2, 3, 4, 5, 6]
    assert {step.total for step in steps} == {6}
    maps = steps[2].saliency()
    assert maps.shape == (3, 32, 32)
    assert torch.equal(maps[0], study.explanation.saliency[0])
    assert not maps[2].any()
    assert torch.equal(steps[-1].saliency(), study.explanation.saliency)


def test_no_batch_is_halved(images) -> None:
    network = toy(SmallMemory(), chunk=2)
    assert explain(network, images[:1], "rise", samples=20).saliency.isfinite().all()
    with pytest.raises(InputError, match=r"batch of 16 images.*deterministic does not use smaller"):
        explain(network, images[:1], "rise", samples=20, deterministic=True)
    assert network.model.batches[-1] == CHUNK


def test_empty_and_misshapen_batches_are_refused_as_by_default(images) -> None:
    for wrong in (images[:0], images[:, :1]):
        with pytest.raises(InputError) as default:
            explain(toy(Convolutional()), wrong, "rise")
        with pytest.raises(InputError) as deterministic:
            explain(toy(Convolutional()), wrong, "rise", deterministic=True)
        assert str(deterministic.value) == str(default.value)


def test_operation_without_a_deterministic_kernel_is_an_input_error() -> None:
    message = "upsample_backward_cuda does not have a deterministic implementation, but you set"

    def on_a_gpu():
        with determinism.refuse_other_kernels():
            raise RuntimeError(message)

    with pytest.raises(InputError, match=r"deterministic: upsample.*use the device cpu"):
        on_a_gpu()
