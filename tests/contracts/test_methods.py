"""What every method promises; a new file in methods/ is tested without a line here."""

import dataclasses
import inspect
from pathlib import Path

import pytest
import torch

import unsee
from tests.conftest import Convolutional, question, small, toy
from tests.generators import small_infiller
from unsee import InputError, available, create, explain
from unsee.registry import settings_of, summary


@pytest.fixture(params=available("methods"))
def method(request):
    method = small(request.param)
    if method.traits.requires:
        pytest.importorskip(method.traits.requires, exc_type=(ImportError, RuntimeError))
    return method


def quick(method):
    """Fewer rounds, for laws that hold after any number of them."""
    fields = {f.name for f in dataclasses.fields(method)}
    return dataclasses.replace(
        method, **{k: v for k, v in {"steps": 4, "samples": 70}.items() if k in fields}
    )


def test_finds_the_planted_object(method, classifier, images) -> None:
    if method.traits.needs_weights:
        pytest.skip("has to be trained first, and has tests of its own")
    saliency = explain(classifier, images, method, infiller="grey", targets=1).saliency
    assert saliency.shape == (3, 32, 32)
    if not method.traits.uses_classifier:
        return
    inside = saliency[:, :14, :14].mean((1, 2))
    outside = saliency[:, 18:, 18:].mean((1, 2))
    assert (inside > outside).all(), (inside, outside)


def test_an_image_does_not_feel_its_batch_nor_its_order(method, network, images) -> None:
    images = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    together = explain(network, images, quick(method), targets=2).saliency
    turned = explain(network, images.flip(0), quick(method), targets=2).saliency.flip(0)
    alone = [explain(network, image[None], quick(method), targets=2).saliency for image in images]
    torch.testing.assert_close(together, torch.cat(alone), atol=2e-3, rtol=1e-2)
    torch.testing.assert_close(together, turned, atol=2e-3, rtol=1e-2)


def test_same_seed_same_map(method, network, images) -> None:
    first = explain(network, images, quick(method), seed=7).saliency
    again = explain(network, images, quick(method), seed=7).saliency
    assert torch.equal(first, again)


def test_chunk_size_changes_nothing(method, images) -> None:
    maps = [
        explain(toy(Convolutional(), chunk=chunk), images, quick(method), targets=2).saliency
        for chunk in (3, 64)
    ]
    torch.testing.assert_close(*maps, atol=2e-3, rtol=1e-2)


def test_is_finite_on_constant_images(method, network) -> None:
    for value in (0.0, 0.5, 1.0):
        flat = torch.full((1, 3, 32, 32), value)
        assert explain(network, flat, quick(method)).saliency.isfinite().all()


def test_a_warm_start_is_another_and_keeps_the_laws(method, network, images) -> None:
    if "warm_start" not in {field.name for field in dataclasses.fields(method)}:
        pytest.skip("begins nowhere")
    warm = dataclasses.replace(quick(method), warm_start="random")
    together = explain(network, images, warm, targets=2).saliency
    alone = [explain(network, image[None], warm, targets=2).saliency for image in images]
    assert together.isfinite().all()
    torch.testing.assert_close(together, torch.cat(alone), atol=2e-3, rtol=1e-2)
    score = question(network, images)
    begun, cold = warm.begin(score), quick(method).begin(score)
    assert begun.shape == torch.broadcast_to(cold, begun.shape).shape
    assert not torch.equal(begun, torch.broadcast_to(cold, begun.shape))
    with pytest.raises(InputError, match="a black box has none"):
        warm.begin(question(dataclasses.replace(network, model=lambda x: network.model(x)), images))


def test_a_warm_start_is_important_where_the_landscape_is_high(method, network, images) -> None:
    if "warm_start" not in {field.name for field in dataclasses.fields(method)}:
        pytest.skip("begins nowhere")
    score = question(network, images)
    hills = torch.zeros(3, 1, 1, 8, 8)
    hills[..., :4, :4] = 4.0
    found = method.importance(score, method.initializer(method.start(score), hills))
    assert (found[:, :14, :14].mean((1, 2)) > found[:, 18:, 18:].mean((1, 2)) + 0.1).all()


class Fragile(Convolutional):
    """Fails on the third call."""

    calls = 0

    def forward(self, x):
        self.calls += 1
        if self.calls == 3:
            raise RuntimeError("out of order")
        return super().forward(x)


@pytest.mark.parametrize("model", [Convolutional, Fragile])
def test_leaves_the_model_as_found(method, images, model) -> None:
    network = model()
    network.features[0].weight.requires_grad_(False)
    network.features.register_forward_hook(lambda *_: None)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    wants = [p.requires_grad for p in network.parameters()]
    try:
        explain(toy(network), images, quick(method))
    except RuntimeError:
        assert model is Fragile
    after = network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert [p.requires_grad for p in network.parameters()] == wants
    assert all(p.grad is None for p in network.parameters())
    assert all(p.dtype == torch.float32 and p.is_contiguous() for p in network.parameters())
    assert not any(module.training for module in network.modules())
    assert len(network.features._forward_hooks) == 1
    assert sum(len(module._forward_hooks) for module in network.modules()) == 1


def test_losses_fall(method, classifier, images) -> None:
    if method.traits.needs_weights:
        pytest.skip("is trained elsewhere")
    score = question(classifier, images)
    losses = [p.losses for p in method.run(score) if p.losses is not None]
    if losses:
        assert (losses[-1] < losses[0]).all(), (losses[0], losses[-1])


def test_progress_counts_up_to_the_end(method, network, images) -> None:
    score = question(network, images)
    rounds = list(quick(method).run(score))
    done = [p.done for p in rounds]
    assert done == sorted(set(done))
    assert done[-1] == rounds[-1].total
    assert all(p.saliency().shape == (3, 32, 32) for p in rounds)
    torch.testing.assert_close(rounds[-1].saliency(), quick(method).attribute(score))


def test_a_black_box_is_served_or_refused(method, images) -> None:
    def answer(pixels):
        bright = torch.as_tensor(pixels).mean((1, 2, 3))
        return torch.stack([1 - bright, bright], 1).numpy()

    box = unsee.black_box(answer, size=(32, 32))
    if method.traits.needs_gradient or method.traits.needs_module:
        with pytest.raises(InputError, match=r"needs gradients|needs a torch module"):
            explain(box, images, quick(method))
    else:
        assert explain(box, images, quick(method)).saliency.isfinite().all()


def test_other_sizes_and_channels(method) -> None:
    images = torch.rand(2, 1, 24, 40, generator=torch.Generator().manual_seed(1))
    network = toy(Convolutional(channels=1), channels=1)
    saliency = explain(network, images, quick(method)).saliency
    assert saliency.shape == (2, 24, 40)


@pytest.mark.parametrize("infiller", available("infillers"))
def test_runs_with_every_infiller(method, network, images, infiller) -> None:
    filler = small_infiller(infiller)
    if getattr(filler, "least", 0) > 32:
        pytest.skip("paints larger images only")
    saliency = explain(network, images[:1], quick(method), infiller=filler).saliency
    assert saliency.isfinite().all()


@pytest.mark.parametrize("passes", [40, 200])
def test_spends_at_most_its_budget(method, images, passes) -> None:
    network = toy(Convolutional())
    score = question(network, images[:1])
    within = method.with_budget(passes, (32, 32))
    within.attribute(score)
    if within != method:
        assert network.passes.forwards <= passes
    assert type(within) is type(method)


def test_settles_alone_as_in_a_batch(method, network, images) -> None:
    if "tolerance" not in {field.name for field in dataclasses.fields(method)}:
        pytest.skip("no early stop")
    method = dataclasses.replace(method, tolerance=0.3)
    network.passes.forwards = 0
    images = torch.cat([images[:2], torch.full_like(images[:1], 0.4)])
    together = explain(network, images, method, targets=2).saliency
    spent = network.passes.forwards
    alone = [explain(network, image[None], method, targets=2).saliency for image in images]
    torch.testing.assert_close(together, torch.cat(alone), atol=2e-3, rtol=1e-2)
    network.passes.forwards = 0
    explain(network, images, dataclasses.replace(method, tolerance=None), targets=2)
    assert spent < network.passes.forwards


def test_is_frozen_hashable_documented_and_listed(method) -> None:
    assert dataclasses.is_dataclass(method)
    assert method.__dataclass_params__.frozen
    assert hash(method) == hash(dataclasses.replace(method))
    name = settings_of(method)["name"]
    assert name in available("methods")
    assert summary("methods", name).endswith(".")  # whole in one line
    assert create("methods", **settings_of(method)) == method
    source = unsee.registry.part("methods", name)
    files = {inspect.getsourcefile(one): 0 for one in source.__mro__ if "unsee" in one.__module__}
    text = "".join(Path(file).read_text(encoding="utf-8") for file in files)
    for field in dataclasses.fields(method):
        after = text.split(f"    {field.name}: ", 1)[1].split("\n", 1)[1].lstrip()
        assert after.startswith('"""'), f"{name}.{field.name} is not documented"
