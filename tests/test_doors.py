"""What users get wrong, and what once went wrong: one clear line, or the right answer."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pytest
import torch
from torch import nn

from tests.cli.test_cli import MODEL, photo  # noqa: F401  # a fixture
from tests.conftest import Convolutional, question, toy
from unsee import Against, InputError, Study, create, explain
from unsee.cli import main
from unsee.methods.base import Method
from unsee.metrics._similarity import stability
from unsee.study import infiller_for


@pytest.mark.parametrize(
    ("contrast", "words"), [(9, "not in 0..4"), (-1, "not in 0..4"), (2, "is the target")]
)
def test_a_rival_must_be_another_class(network, images, contrast, words) -> None:
    with pytest.raises(InputError, match=words):
        explain(network, images, "gradient", targets=2, measure=Against(contrast))


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


def test_targets_may_be_numpy(network, images) -> None:
    rise = create("methods", "rise", samples=8)
    wanted = explain(network, images, rise, targets=[1, 2, 3]).saliency
    for targets in (np.array([1, 2, 3]), list(np.array([1, 2, 3])), torch.tensor([1, 2, 3])):
        assert torch.equal(explain(network, images, rise, targets=targets).saliency, wanted)
    assert explain(network, images, rise, targets=np.int64(1)).targets.tolist() == [1, 1, 1]
    with pytest.raises(InputError, match="by number or name"):
        explain(network, images, rise, targets=np.array([0.5, 1.5, 2.5]))
    with pytest.raises(InputError, match="no class names"):
        explain(network, images, rise, targets="beagle")


def test_images_may_be_a_list_of_tensors_or_want_gradients(network, images) -> None:
    rise = create("methods", "rise", samples=8)
    wanted = explain(network, images, rise).saliency
    assert torch.equal(explain(network, list(images), rise).saliency, wanted)
    watched = images.clone().requires_grad_()
    lime = create("methods", "lime", superpixels="grid", segments=4, samples=8)
    assert not explain(network, watched, lime).saliency.requires_grad
    with pytest.raises(InputError, match="one shape"):
        explain(network, [images[0], images[0, :, :20]], rise)


def test_a_methods_own_infiller_keeps_its_published_settings(network, images) -> None:
    mp = create("methods", "mp", steps=1, grid=4)
    assert infiller_for(mp, "blur").sigma == 10
    assert Study.of(network, images, mp, infiller="blur").score.infiller.sigma == 10
    assert Study.of(network, images, "tide", infiller="blur").score.infiller.sigma == 50


def test_stability_shares_the_ranks_of_equal_values() -> None:
    from scipy.stats import spearmanr

    maps = torch.zeros(2, 9, 9)
    maps[0, :3], maps[1, 6:] = torch.rand(3, 9), torch.rand(3, 9)
    wanted = spearmanr(maps[0].ravel(), maps[1].ravel()).statistic
    assert stability(maps) == pytest.approx(wanted, abs=1e-6)
    assert stability(torch.zeros(2, 3, 3)) == 0


def test_a_sweep_keeps_its_labels_in_the_table(photo, tmp_path) -> None:
    out = tmp_path / "out"
    command = ["sweep", str(photo), "--classifier", MODEL, "--method", "random", "--out", str(out)]
    assert main([*command, "--setting", "grid=2,3"]) == 0
    lines = (out / "table.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["value", "grid=2", "grid=3"]


def test_a_rival_counts_for_more_than_a_recipes_measure(photo, tmp_path) -> None:
    command = ["explain", str(photo), "--classifier", MODEL, "--out", str(tmp_path / "out")]
    quick = ["--recipe", "fido-sdr", "--steps", "2", "--grid", "8"]
    assert main([*command, *quick, "--target", "1", "--contrast", "2"]) == 0


@pytest.mark.parametrize("command", ["compare", "sweep"])
def test_unknown_measures_are_refused_before_anything_is_done(
    photo,
    tmp_path,
    capsys,
    command,
) -> None:
    out = tmp_path / "out"
    options = ["--classifier", MODEL, "--out", str(out), "--measure", "probabilty"]
    assert main([command, str(photo), *options]) == 2
    assert "did you mean 'probability'" in capsys.readouterr().err
    assert not out.exists()


def test_a_failed_way_stays_in_its_column(photo, tmp_path, capsys) -> None:
    source = ["--classifier", "blackbox:tests.results.test_comparison:answer"]
    out = ["--out", str(tmp_path / "out")]
    assert main(["compare", str(photo), *source, *out, "--methods", "gradient,random"]) == 1
    assert "unsee: gradient : Gradient needs" in capsys.readouterr().err


def test_gradients_flow_through_checkpointed_bumps() -> None:
    method = create("methods", "extremal_perturbation", cell=4, smoothness=4.0)
    score = question(toy(Convolutional()), torch.rand(1, 3, 32, 32))
    theta = method.start(score).requires_grad_()
    (gradient,) = torch.autograd.grad(method.loss(score, 0, theta).sum(), theta)
    assert gradient.isfinite().all()
    assert gradient.abs().sum() > 0
