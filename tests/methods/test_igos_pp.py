import numpy as np
import pytest
import torch

from tests.conftest import Convolutional, masked_score, small, toy
from tests.methods.conftest import mean_square_variation, on_grey, probabilities
from unsee import InputError, create


def test_loss_equals_numpy(image) -> None:
    network = toy(Convolutional())
    method = small("igos_pp", noise=0.0, evidence=1.0, sparsity=0.7, smoothness=3.0)
    score = masked_score(network, image)
    theta = torch.rand(1, 2, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    fine = torch.nn.functional.interpolate(
        theta[0], (32, 32), mode="bilinear", align_corners=True
    ).numpy()
    (d, i), x, total = fine, image[0].numpy(), 0.0
    for t in (0.25, 0.5, 0.75, 1.0):
        keep = [t * d, t * d * i, 1 - t * i, 1 - t * d * i]
        p = probabilities(network, [on_grey(mask, x) for mask in keep])
        total += (p[0] + p[1] - p[2] - p[3]) / 4
    product = (theta[0, 0] * theta[0, 1])[0].numpy()
    bilateral = 0.0
    for axis in (0, 1):
        edge = np.exp(-(np.diff(x - 0.4, axis=axis + 1) ** 2) / 0.01)
        bilateral += (edge * np.diff((d * i)[0], axis=axis)[None] ** 2).mean()
    variation = (mean_square_variation(product) + bilateral) / 2
    expected = total + 0.7 * (1 - product).mean() + 3.0 * variation
    assert method.loss(score, 0, theta).item() == pytest.approx(expected, rel=1e-3)


def test_variation_of_the_paper_is_bilateral_alone(image) -> None:
    score = masked_score(toy(Convolutional()), image)
    theta = torch.rand(1, 2, 1, 8, 8, generator=torch.Generator().manual_seed(1))

    def variation(kind):
        method = small("igos_pp", noise=0.0, evidence=0.0, sparsity=0.0, variation=kind)
        return method.loss(score, 0, theta).item()

    bilateral, plain, mean = (variation(kind) for kind in ("bilateral", "plain", "mean"))
    assert 0 < bilateral < plain
    assert mean == pytest.approx((bilateral + plain) / 2, rel=1e-5)


def test_noise_of_the_paper_enters_the_terms_of_the_single_masks(image) -> None:
    network, seen = Convolutional(), []
    network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach().clone()))
    score = masked_score(toy(network), image)

    def pictures(**settings):
        seen.clear()
        method = small("igos_pp", path=2, **settings)
        method.loss(score, 0, method.start(score))
        return torch.cat(seen)

    clean = pictures(noise=0.0)
    for noisy, expected in (("all", [True] * 8), ("separate", [True, True, False, False] * 2)):
        changed = (pictures(noise=0.2, noisy=noisy) != clean).flatten(1).any(1)
        assert changed.tolist() == expected


@pytest.mark.parametrize(
    ("reading", "expected"), [("deletion", 0.75), ("insertion", 0.5), ("product", 0.875)]
)
def test_maps_of_either_mask_or_of_both(image, reading, expected) -> None:
    score = masked_score(toy(Convolutional()), image)
    method = small("igos_pp", reading=reading)
    theta = method.start(score) * torch.tensor([0.25, 0.5]).view(1, 2, 1, 1, 1)
    assert method.importance(score, theta).unique().tolist() == pytest.approx([expected])


def test_one_mask_has_no_second_reading() -> None:
    with pytest.raises(InputError, match="terms=naive has one mask, so that reading and noisy"):
        create("methods", "igos_pp", terms="naive", reading="insertion")


def test_fixed_steps_descend_along_the_gradient(image) -> None:
    score = masked_score(toy(Convolutional()), image)
    method = small("igos_pp", optimizer="descent", rate=0.5, steps=1, noise=0.0)
    theta = method.start(score).requires_grad_()
    (gradient,) = torch.autograd.grad(method.loss(score, 0, theta).sum(), theta)
    moved, _ = method.update_rule.step(
        theta.detach(), gradient, torch.zeros(1), lambda *_: None, method.update_rule.init(theta)
    )
    torch.testing.assert_close(moved, theta.detach() - 0.5 * gradient)


@pytest.mark.parametrize("terms", ["bilateral", "deletion", "insertion", "naive"])
def test_ablations_have_their_terms(image, terms) -> None:
    score = masked_score(toy(Convolutional()), image, "blur")
    method = create(
        "methods", "igos_pp", grid=32, path=2, noise=0.0, sparsity=0.0, smoothness=0.0,
        evidence=1.0, terms=terms,
    )  # fmt: skip
    theta = method.start(score) * torch.rand(1, 1, 1, 32, 32)
    theta = theta * torch.linspace(0.5, 1, 32)
    x, blurred = image[0].numpy(), score.pictures(torch.zeros(1, 1, 1, 32, 32))[0].numpy()

    def mean_score(masks):
        return probabilities(score.classifier, [k * x + (1 - k) * blurred for k in masks]).mean()

    def deletion(m):
        return mean_score([m / 2, m])

    def insertion(m):
        return mean_score([1 - m / 2, 1 - m])

    d, i = theta[0, 0].numpy(), theta[0, -1].numpy()
    expected = {
        "bilateral": lambda: deletion(d) - insertion(i) + deletion(d * i) - insertion(d * i),
        "deletion": lambda: deletion(d),
        "insertion": lambda: -insertion(d),
        "naive": lambda: deletion(d) - insertion(d),
    }[terms]()
    assert method.loss(score, 0, theta).item() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("grow", [0.0, 5.0])
def test_wide_line_search_takes_the_same_steps_in_fewer_batches(grow, evaluations) -> None:
    images = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(3))
    maps, batches = [], []
    for together in (1, 2, 5):
        evaluations.clear()
        method = small("igos_pp", steps=5, regrow=grow, together=together)
        maps.append(method.attribute(masked_score(toy(Convolutional()), images)))
        batches.append(len(evaluations))
    for other in maps[1:]:
        torch.testing.assert_close(other, maps[0], atol=1e-4, rtol=1e-3)
    assert batches[0] > batches[1] > batches[2]


@pytest.mark.parametrize("path", [1, 3])
@pytest.mark.parametrize("terms", ["bilateral", "deletion", "insertion", "naive"])
def test_passes_are_those_of_one_step(image, terms, path) -> None:
    score = masked_score(toy(Convolutional()), image)
    method = create("methods", "igos_pp", path=path, terms=terms)
    method.loss(score, 0, method.start(score))
    assert score.classifier.passes.forwards == method.passes
