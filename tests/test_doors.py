"""What users get wrong, and what once went wrong: one clear line, or the right answer."""

from dataclasses import dataclass
from typing import Literal

import pytest
import torch
from torch import nn

from tests.conftest import Convolutional, question, toy
from unsee import InputError, create, explain
from unsee.methods.base import Method
from unsee.metrics._similarity import pairs as stability


def test_pda_refuses_log_odds_of_what_is_no_probability(network, images) -> None:
    pda = create("methods", "pda", window=6, stride=8, samples=2)
    with pytest.raises(InputError, match="difference = plain"):
        explain(network, images[:1], pda, measure="margin")
    plain = create("methods", "pda", window=6, stride=8, samples=2, difference="plain")
    assert explain(network, images[:1], plain, measure="margin").saliency.std() > 0


@pytest.mark.parametrize("chunk", [1, 2, 16])
def test_deeplift_at_any_chunk(images, chunk) -> None:
    wanted = explain(toy(Convolutional(), chunk=64), images, "deeplift").saliency
    got = explain(toy(Convolutional(), chunk=chunk), images, "deeplift").saliency
    torch.testing.assert_close(got, wanted, atol=1e-5, rtol=1e-3)


class Twice(Convolutional):
    def __init__(self) -> None:
        super().__init__()
        self.act = nn.ReLU()

    def forward(self, x):
        return 10 * self.head(self.act(self.act(self.features(x)) - 0.1).mean((2, 3)))


def test_deeplift_says_why_it_cannot(images) -> None:
    with pytest.raises(InputError, match="called once"):
        explain(toy(Twice()), images, "deeplift")


def test_smoothgrad_does_not_feel_the_chunk_at_odd_sizes() -> None:
    image = torch.rand(1, 3, 15, 15, generator=torch.Generator().manual_seed(0))
    maps = [
        explain(toy(Convolutional(), size=15, chunk=c), image, "smoothgrad").saliency
        for c in (3, 64)
    ]
    torch.testing.assert_close(*maps)


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("smoothgrad", {"noise": -1.0}, "noise >= 0"),
        ("mp", {"jitter": -40}, "jitter >= 0"),
    ],
)
def test_settings_are_checked(network, images, name, settings, words) -> None:
    with pytest.raises(InputError, match=words):
        explain(network, images, create("methods", name, **settings))


@dataclass(frozen=True)
class Wordy(Method):
    how: Literal["slic", "grid"] = "grid"

    def iterate(self, score):
        yield from ()


def test_words_that_no_setting_knows_are_refused(network, images) -> None:
    with pytest.raises(InputError, match="no how of Wordy is called 'gird'; did you mean 'grid'"):
        explain(network, images, Wordy(how="gird"))


def test_stability_shares_the_ranks_of_equal_values() -> None:
    from scipy.stats import spearmanr

    maps = torch.zeros(2, 9, 9)
    maps[0, :3], maps[1, 6:] = torch.rand(3, 9), torch.rand(3, 9)
    wanted = spearmanr(maps[0].ravel(), maps[1].ravel()).statistic
    assert stability(maps) == pytest.approx(wanted, abs=1e-6)
    assert stability(torch.zeros(2, 3, 3)) == 0


def test_gradients_flow_through_checkpointed_bumps() -> None:
    method = create("methods", "extremal_perturbation", cell=4, smoothness=4.0)
    score = question(toy(Convolutional()), torch.rand(1, 3, 32, 32))
    theta = method.start(score).requires_grad_()
    (gradient,) = torch.autograd.grad(method.loss(score, 0, theta).sum(), theta)
    assert gradient.isfinite().all()
    assert gradient.abs().sum() > 0
