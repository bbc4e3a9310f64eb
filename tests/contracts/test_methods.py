"""Properties of every method; a new file in methods/ is tested without a change here."""

import dataclasses
import inspect
from collections import deque
from collections.abc import Callable
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

import pytest
import torch

import unsee
from tests.conftest import Convolutional, masked_score, small, toy
from tests.generators import small_infiller
from unsee import InputError, Study, available, create, explain
from unsee.masking.minimise import minimise
from unsee.methods import base
from unsee.methods.base import MaskOptimizer, Method
from unsee.registry import part, settings_of, summary

SIDE = 32
"""Side of the images in pixels."""


def methods(condition: Callable[[type[Method]], bool] = lambda _: True) -> pytest.MarkDecorator:
    """Parametrise a test over the installed methods whose class meets the condition."""
    classes = {name: part("methods", name) for name in available("methods")}
    names = [name for name, method in classes.items() if installed(method) and condition(method)]
    return pytest.mark.parametrize("method", names, indirect=True)


def installed(method: type[Method]) -> bool:
    return method.traits.requires is None or find_spec(method.traits.requires) is not None


def optimises(method: type[Method]) -> bool:
    return issubclass(method, MaskOptimizer)


def untrained(method: type[Method]) -> bool:
    return not method.traits.needs_weights


def black_box(method: type[Method]) -> bool:
    return not (method.traits.needs_gradient or method.traits.needs_module)


def infillers() -> list[str]:
    """In-fillers that fill images of `SIDE` pixels."""
    names = available("infillers")
    return [n for n in names if getattr(part("infillers", n), "min_side", 0) <= SIDE]


@pytest.fixture(autouse=True)
def constant_maps(constant_maps_accepted) -> None:
    """Accept constant maps: a few steps on random weights may end at one."""


@pytest.fixture
def method(request):
    method = small(request.param)
    if method.traits.requires:  # may be installed for another version of torch
        pytest.importorskip(method.traits.requires, exc_type=(ImportError, RuntimeError))
    return method


@pytest.fixture
def noise():
    return torch.rand(3, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


def quick(method):
    """The method with fewer rounds, for properties that hold after any number of rounds."""
    settings = {"steps": 4, "samples": 70}
    fields = {field.name for field in dataclasses.fields(method)}
    return dataclasses.replace(method, **{k: v for k, v in settings.items() if k in fields})


@methods(lambda method: untrained(method) and method.traits.uses_classifier)
def test_map_is_higher_on_the_object(method, classifier, images) -> None:
    saliency = explain(classifier, images, method, infiller="grey", targets=1).saliency
    assert saliency.shape == (3, SIDE, SIDE)
    inside = saliency[:, :14, :14].mean((1, 2))
    outside = saliency[:, 18:, 18:].mean((1, 2))
    assert (inside > outside).all(), (inside, outside)


@methods(lambda method: not method.traits.uses_classifier)
def test_controls_cost_no_pass(method, network, images) -> None:
    score = masked_score(network, images)
    saliency = method.attribute(score)
    assert saliency.shape == (3, SIDE, SIDE)
    assert network.passes.forwards == network.passes.backwards == 0


@methods()
def test_map_is_independent_of_batch_and_order(method, network, noise) -> None:
    batch = explain(network, noise, quick(method), targets=2).saliency
    reverse = explain(network, noise.flip(0), quick(method), targets=2).saliency.flip(0)
    alone = [explain(network, image[None], quick(method), targets=2).saliency for image in noise]
    torch.testing.assert_close(batch, torch.cat(alone), atol=2e-3, rtol=1e-2)
    torch.testing.assert_close(batch, reverse, atol=2e-3, rtol=1e-2)


@methods()
def test_same_seed_gives_the_same_map(method, network, images) -> None:
    first = explain(network, images, quick(method), seed=7).saliency
    second = explain(network, images, quick(method), seed=7).saliency
    assert torch.equal(first, second)


@methods()
def test_map_is_independent_of_chunk_size(method, images) -> None:
    maps = [
        explain(toy(Convolutional(), chunk=chunk), images, quick(method), targets=2).saliency
        for chunk in (3, 64)
    ]
    torch.testing.assert_close(*maps, atol=2e-3, rtol=1e-2)


@methods()
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_map_of_a_constant_image_is_finite(method, network, value) -> None:
    flat = torch.full((1, 3, SIDE, SIDE), value)
    assert explain(network, flat, quick(method)).saliency.isfinite().all()


@methods(optimises)
def test_warm_start_is_independent_of_batch(method, network, images) -> None:
    warm = dataclasses.replace(quick(method), warm_start="random")

    def maps(images):
        study = Study.of(network, images, warm, targets=2)
        study.accepts_constant = True  # a few steps from random weights may end at an empty mask
        return study.finish().saliency

    batch, alone = maps(images), [maps(image[None]) for image in images]
    assert batch.isfinite().all()
    torch.testing.assert_close(batch, torch.cat(alone), atol=2e-3, rtol=1e-2)


@methods(optimises)
def test_warm_start_differs_from_the_cold_start(method, network, images) -> None:
    score = masked_score(network, images)
    warm = dataclasses.replace(method, warm_start="random").begin(score)
    cold = method.begin(score)
    assert warm.shape == cold.shape
    assert not torch.equal(warm, cold)


@methods(optimises)
def test_warm_start_needs_a_torch_module(method, network, images) -> None:
    function = dataclasses.replace(network, model=lambda x: network.model(x))
    warm = dataclasses.replace(method, warm_start="random")
    with pytest.raises(InputError, match="black box"):
        warm.begin(masked_score(function, images))


@methods(optimises)
def test_warm_start_is_important_at_the_top_of_the_ranking(
    method, network, images, monkeypatch
) -> None:
    score = masked_score(network, images)
    ranking = torch.zeros(3, 1, 1, 8, 8)
    ranking[..., :4, :4] = 4.0
    monkeypatch.setattr(base, "initial_ranking", lambda score, weights: ranking)
    warm = dataclasses.replace(method, warm_start="weights")
    saliency = warm.importance(score, warm.begin(score))
    inside = saliency[:, :14, :14].mean((1, 2))
    assert (inside > saliency[:, 18:, 18:].mean((1, 2)) + 0.1).all()


class Fragile(Convolutional):
    """Fails on the third call."""

    calls = 0

    def forward(self, x):
        self.calls += 1
        if self.calls == 3:
            raise RuntimeError("out of order")
        return super().forward(x)


@methods()
@pytest.mark.parametrize("model", [Convolutional, Fragile])
def test_model_is_left_unchanged(method, images, model) -> None:
    network = model()
    network.features[0].weight.requires_grad_(False)
    network.features.register_forward_hook(lambda *_: None)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    requires_grad = [p.requires_grad for p in network.parameters()]
    try:
        explain(toy(network), images, quick(method))
    except InputError:
        assert model is Fragile
    after = network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert [p.requires_grad for p in network.parameters()] == requires_grad
    assert all(p.grad is None for p in network.parameters())
    assert all(p.dtype == torch.float32 and p.is_contiguous() for p in network.parameters())
    assert not any(module.training for module in network.modules())
    assert len(network.features._forward_hooks) == 1
    assert sum(len(module._forward_hooks) for module in network.modules()) == 1


@methods(optimises)
def test_losses_fall(method, classifier, images) -> None:
    score, steps = masked_score(classifier, images), range(1000, 1020)
    start = method.begin(score)
    path = minimise(method.loss, score, start, method.update_rule, method.project)
    (last,) = deque(islice(path, method.steps), maxlen=1)
    with torch.no_grad():  # under the same noise, which differs between steps
        before, after = (
            torch.stack([method.loss(score, step, theta) for step in steps]).mean(0)
            for theta in (start, last.theta)
        )
    assert (after < before).all(), (before, after)


@methods()
def test_progress_increases_to_the_total(method, network, images) -> None:
    score = masked_score(network, images)
    rounds = list(quick(method).run(score))
    done = [progress.done for progress in rounds]
    assert done == sorted(set(done))
    assert done[-1] == rounds[-1].total
    assert all(progress.saliency().shape == (3, SIDE, SIDE) for progress in rounds)
    torch.testing.assert_close(rounds[-1].saliency(), quick(method).attribute(score))


@pytest.fixture
def function():
    """A black box: class 1 is bright."""

    def probabilities(pixels):
        bright = torch.as_tensor(pixels).mean((1, 2, 3))
        return torch.stack([1 - bright, bright], 1).numpy()

    return unsee.black_box(probabilities, size=(SIDE, SIDE))


@methods(black_box)
def test_black_box_is_explained_without_gradients(method, images, function) -> None:
    assert explain(function, images, quick(method)).saliency.isfinite().all()


@methods(lambda method: not black_box(method))
def test_black_box_is_refused_by_methods_that_need_more(method, images, function) -> None:
    with pytest.raises(InputError, match=r"needs gradients|needs a torch module"):
        explain(function, images, quick(method))


@methods()
def test_grey_images_that_are_not_square_are_explained(method) -> None:
    images = torch.rand(2, 1, 24, 40, generator=torch.Generator().manual_seed(1))
    network = toy(Convolutional(channels=1), channels=1)
    assert explain(network, images, quick(method)).saliency.shape == (2, 24, 40)


@methods()
@pytest.mark.parametrize("infiller", infillers())
def test_map_is_finite_with_every_infiller(method, network, images, infiller) -> None:
    saliency = explain(
        network, images[:1], quick(method), infiller=small_infiller(infiller)
    ).saliency
    assert saliency.isfinite().all()


@methods()
@pytest.mark.parametrize("passes", [40, 200])
def test_budget_is_not_exceeded(method, images, passes) -> None:
    network = toy(Convolutional())
    score = masked_score(network, images[:1])
    within = method.with_budget(passes, (SIDE, SIDE))
    within.attribute(score)
    if within != method:
        assert network.passes.forwards <= passes
    assert type(within) is type(method)


@methods(optimises)
def test_early_stopping_is_independent_of_batch(method, network, images) -> None:
    method = dataclasses.replace(method, tolerance=0.3)
    network.passes.forwards = 0
    images = torch.cat([images[:2], torch.full_like(images[:1], 0.4)])
    batch = explain(network, images, method, targets=2).saliency
    passes = network.passes.forwards
    alone = [explain(network, image[None], method, targets=2).saliency for image in images]
    torch.testing.assert_close(batch, torch.cat(alone), atol=2e-3, rtol=1e-2)
    network.passes.forwards = 0
    explain(network, images, dataclasses.replace(method, tolerance=None), targets=2)
    assert passes < network.passes.forwards


@pytest.mark.parametrize("name", available("methods"))
def test_is_frozen_hashable_and_listed(name) -> None:
    method = small(name)
    assert method.__dataclass_params__.frozen
    assert hash(method) == hash(dataclasses.replace(method))
    assert settings_of(method)["name"] == name
    assert create("methods", **settings_of(method)) == method


@pytest.mark.parametrize("name", available("methods"))
def test_summary_and_settings_are_documented(name) -> None:
    method = part("methods", name)
    assert summary("methods", name).endswith(".")  # one sentence on one line
    classes = [c for c in method.__mro__ if c.__module__.startswith("unsee")]
    files = dict.fromkeys(inspect.getsourcefile(c) for c in classes)
    text = "".join(Path(file).read_text(encoding="utf-8") for file in files)
    for field in dataclasses.fields(method):
        after = text.split(f"    {field.name}: ", 1)[1].split("\n", 1)[1].lstrip()
        assert after.startswith('"""'), f"{name}.{field.name} is not documented"
