import numpy as np
import pytest
import torch

from tests.conftest import Convolutional, masked_score, small, toy
from tests.methods.conftest import on_grey
from unsee import create, explain


@pytest.mark.parametrize("mode", ["ssr", "sdr"])
def test_loss_equals_numpy(image, mode) -> None:
    network = toy(Convolutional())
    score = masked_score(network, image, measure=lambda logits, t: logits[:, 1])
    theta = torch.randn(1, 1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    p = torch.nn.functional.interpolate(theta[0].sigmoid(), (32, 32), mode="bilinear")[0, 0].numpy()
    u = score.random.uniform(2, 8, 1, 32, 32)[0, :, 0].numpy().clip(1e-6, 1 - 1e-6)
    z = (np.log(p / (1 - p)) + np.log(u / (1 - u))) / 0.1
    keep = 0.5 * (1 + np.tanh(z / 2))
    pictures = [on_grey(mask[None], image[0].numpy()) for mask in keep]
    with torch.no_grad():
        logit = network.logits(torch.tensor(np.stack(pictures)).float())[:, 1].mean().item()
    penalty = 0.75 * 0.003 * (p.sum() if mode == "ssr" else (1 - p).sum())  # step 3 of a ramp of 4
    expected = penalty + (-logit if mode == "ssr" else logit)
    loss = small("fido", sparsity=0.003, ramp=4, mode=mode).loss(score, 2, theta)
    assert loss.item() == pytest.approx(expected, rel=1e-3)


def test_sufficient_and_destroying_regions_differ(classifier, images) -> None:
    ssr, sdr = (
        explain(classifier, images, small("fido", mode=mode), targets=1).saliency
        for mode in ("ssr", "sdr")
    )
    assert not torch.equal(ssr, sdr)
    assert (sdr[:, :14, :14].mean() > sdr[:, 18:, 18:].mean()).item()


@pytest.mark.parametrize("name", ["fido", "bbmp"])
def test_budgets_scale_the_default_rate_alone(name) -> None:
    passes = 150 * create("methods", name).passes
    assert create("methods", name).with_budget(passes, (224, 224)).rate == pytest.approx(0.1)
    assert create("methods", name, rate=0.07).with_budget(passes, (224, 224)).rate == 0.07


def test_budgets_keep_the_share_of_the_ramp() -> None:
    method = create("methods", "fido", ramp=30).with_budget(300, (224, 224))
    assert (method.steps, method.ramp) == (37, 4)
    assert create("methods", "fido").with_budget(300, (224, 224)).ramp == 0
