"""Networks in other precisions, the caller's modes of torch, and models that fail."""

import threading
from contextlib import contextmanager

import pytest
import torch
from torch import nn

from tests.conftest import Convolutional, small, toy
from unsee import Classifier, InputError, create, explain
from unsee.classifiers.measures import log_odds
from unsee.classifiers.modes import own_modes
from unsee.metrics._similarity import similarity


@contextmanager
def default_dtype(dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


MODES = {
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "inference_mode": torch.inference_mode,
    "no_grad": torch.no_grad,
    "float64": lambda: default_dtype(torch.float64),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("method", ["tide", "rise", "fido"])
def test_modes_of_the_caller_change_nothing(mode, method, network, images) -> None:
    part = small(method, steps=4, samples=40)
    expected = explain(network, images, part).saliency
    with MODES[mode]():
        photos = images.clone()  # a tensor of inference mode, in that mode
        actual = explain(network, photos, part).saliency
        assert torch.is_inference_mode_enabled() == (mode == "inference_mode")
        assert torch.is_autocast_enabled("cpu") == (mode == "autocast")
        assert torch.is_grad_enabled() == (mode not in {"no_grad", "inference_mode"})
        assert (torch.get_default_dtype() == torch.float64) == (mode == "float64")
    assert torch.equal(actual, expected)
    assert actual.dtype == torch.float32


def test_modes_of_the_caller_hold_between_steps(network, images) -> None:
    from unsee import Study

    with torch.no_grad():
        for _ in Study.of(network, images, small("tide", steps=3)).steps():
            assert not torch.is_grad_enabled()


def test_the_default_dtype_returns_after_overlapping_use() -> None:
    inside, leave = threading.Event(), threading.Event()

    def other() -> None:
        with own_modes(torch.device("cpu")):
            inside.set()
            leave.wait()

    with default_dtype(torch.float64):
        thread = threading.Thread(target=other)
        with own_modes(torch.device("cpu")):
            thread.start()
            inside.wait()
        assert torch.get_default_dtype() == torch.float32  # the other thread needs it
        leave.set()
        thread.join()
        assert torch.get_default_dtype() == torch.float64


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("method", ["tide", "rise"])
def test_networks_in_other_precisions(dtype, method, images) -> None:
    model, part = Convolutional().to(dtype), small(method, steps=10, samples=40)
    expected = explain(toy(Convolutional()), images, part, targets=1)
    actual = explain(toy(model), images, part, targets=1)
    assert actual.saliency.dtype == torch.float32
    for map_, other in zip(actual.saliency, expected.saliency, strict=True):
        assert similarity(map_, other) > (0.8 if dtype == torch.bfloat16 else 0.99)
    assert {p.dtype for p in model.parameters()} == {dtype}


class Failing(nn.Module):
    def __init__(self, error) -> None:
        super().__init__()
        self.network, self.error = Convolutional(), error

    def forward(self, x):
        if self.error:
            raise self.error
        return self.network(x)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TypeError("no such argument\nand more"), "TypeError: no such argument$"),
        (AssertionError(), "AssertionError: AssertionError"),
        (RuntimeError("shapes cannot be multiplied"), "shapes cannot be multiplied"),
        (SystemExit(0), "SystemExit"),
        (IndexError("list index"), "list index"),
    ],
)
def test_errors_of_the_model_are_one_line(error, words, images) -> None:
    with pytest.raises(InputError, match=words) as raised:
        explain(toy(Failing(error)), images, "rise")
    assert "the model failed on images (1, 3, 32, 32) of float32" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_memory_errors_still_halve_the_chunk(images) -> None:
    class Small(Convolutional):
        def forward(self, x):
            if len(x) > 1:
                raise RuntimeError("CUDA out of memory")
            return super().forward(x)

    expected = toy(Convolutional(), chunk=1).predict(images)
    assert torch.equal(toy(Small()).predict(images), expected)


def test_a_grey_network_with_a_colour_normalisation(images) -> None:
    with pytest.raises(InputError, match="mean and std have 3 values, one for each"):
        explain(toy(Convolutional(channels=1)), images, "rise")  # three means by default


def grad(function):
    """A network of which `function` transforms the outputs."""

    class Network(Convolutional):
        def forward(self, x):
            return function(super().forward, x)

    return Network()


def detached(forward, x):
    return forward(x).detach()


def without_grad(forward, x):
    with torch.no_grad():
        return forward(x)


class Irreversible(torch.autograd.Function):
    """An operation without a gradient, as those of quantised networks."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, upstream):
        raise RuntimeError("the derivative is not implemented")


def irreversible(forward, x):
    return Irreversible.apply(forward(x))


def rounded(forward, x):
    return (10_000 * forward(x)).round() / 10_000


@pytest.mark.parametrize(
    ("transform", "words"),
    [
        (detached, "have none"),
        (without_grad, "have none"),
        (rounded, "zero everywhere"),
        (irreversible, "cannot be computed"),
    ],
)
@pytest.mark.parametrize("method", ["tide", "igos", "gradient", "grad_cam"])
def test_gradients_that_do_not_exist_are_reported(transform, words, method, images) -> None:
    if method in {"gradient", "grad_cam"}:
        pytest.importorskip("captum" if method == "gradient" else "pytorch_grad_cam")
    classifier = toy(grad(transform))
    with pytest.raises(InputError, match=words):
        explain(classifier, images, small(method))
    assert classifier.passes.backwards == 0
    assert explain(classifier, images, small("rise")).saliency.std() > 0


def test_the_check_of_the_gradient_is_not_counted(network, images) -> None:
    explained = explain(network, images, small("tide", steps=2))
    passes = network.passes.forwards - len(images)
    assert explained.provenance["cost"]["forwards"] == passes
    assert network.has_gradient


class NotANumber(nn.Module):
    """NaN for images that are bright in a corner of 2 x 2 pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.network = Convolutional()

    def forward(self, x):
        logits = self.network(x)
        bright = x[:, :, :2, :2].mean((1, 2, 3)) > 0.55
        return torch.where(bright[:, None], torch.nan, logits)


def test_rows_that_are_not_finite_name_their_image(images) -> None:
    images = images.clone()
    images[..., :2, :2] = 0.5
    images[1, ..., :2, :2] = 1.0
    classifier = toy(NotANumber())
    with pytest.raises(InputError, match="NaN or infinity for image 1 "):
        classifier.predict(images)
    with pytest.raises(InputError, match="NaN or infinity for image 1 "):
        classifier.score(images, torch.tensor([0, 0, 0]), log_odds)


def test_masks_under_which_an_image_is_not_finite(images) -> None:
    class Sparse(Convolutional):
        def forward(self, x):
            logits = super().forward(x)
            dark = (x[:, :, 8, 8].abs().amax(1) < 1e-6) & (x[:, 0, 0, 0] > 0.5)
            return torch.where(dark[:, None], torch.nan, logits)

    images = images.clone()
    images[:, :, 0, 0] = 0.5
    images[2, :, 0, 0] = 1.0
    with pytest.raises(InputError, match="NaN or infinity for image 2 "):
        explain(toy(Sparse()), images, create("methods", "sliding_patch", patch=9, stride=3))


def test_the_model_is_left_as_it_was_after_an_error(images) -> None:
    model = Failing(None).eval()
    before = [(p.requires_grad, p.grad, p.dtype) for p in model.parameters()]
    classifier = toy(model)
    explain(classifier, images, small("tide", steps=2))
    model.error = ValueError("late")
    with pytest.raises(InputError, match="late"):
        explain(classifier, images, small("tide"))
    assert [(p.requires_grad, p.grad, p.dtype) for p in model.parameters()] == before
    assert not any(m.training or m._forward_hooks for m in model.modules())


def test_a_plain_function_and_a_compiled_kind_still_work(images) -> None:
    network = Convolutional().eval()
    classifier = Classifier(lambda x: network(x), framing=toy(network).framing)
    assert classifier.dtype == torch.float32
    assert explain(classifier, images, small("tide", steps=2)).saliency.isfinite().all()
