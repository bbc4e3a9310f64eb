"""Maps that are the same everywhere: refused where something else could be explained."""

import pytest
import torch
from torch import nn

from tests.conftest import Convolutional, small, toy
from unsee import InputError, Study, explain
from unsee.evaluation.parameter_randomisation import check
from unsee.saliency import check_map


class Saturated(nn.Module):
    """A network whose softmax or sigmoid is exactly 1 for bright images."""

    def __init__(self, end) -> None:
        super().__init__()
        self.network, self.end = Convolutional(), end

    def forward(self, x):
        bright = (x.mean((1, 2, 3)) > 0.3).float()[:, None]
        return self.end(self.network(x) + 500 * bright * torch.eye(5)[0])


class Blind(nn.Module):
    """A network whose outputs do not depend on the image."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.arange(4.0))

    def forward(self, x):
        return 0 * x.mean((2, 3))[:, :1] + self.bias


@pytest.fixture
def dark_and_bright(images):
    return torch.stack([images[0] * 0.5, images[1] * 0.2 + 0.8])


@pytest.mark.parametrize("end", [nn.Softmax(1), nn.Sigmoid()])
def test_saturated_probabilities_are_refused_by_image(end, dark_and_bright) -> None:
    classifier, method = toy(Saturated(end)), small("tide", steps=3)
    with pytest.raises(InputError, match=r"TIDE .* of image 1 \(.*return logits, before its soft"):
        explain(classifier, dark_and_bright, method)
    dark = explain(classifier, dark_and_bright[:1], method).saliency
    assert dark.std() > 0


def test_rounding_is_no_variation(dark_and_bright) -> None:
    with pytest.raises(InputError, match=r"IGOSPlusPlus returns the same value for all"):
        explain(toy(Saturated(nn.Sigmoid())), dark_and_bright[1:], small("igos_pp", steps=3))


@pytest.mark.parametrize("name", ["gradient", "smoothgrad", "input_x_gradient"])
def test_zero_gradients_are_refused_by_image(name, dark_and_bright) -> None:
    pytest.importorskip("captum")
    with pytest.raises(InputError, match=r"of image 1 \(the first is 0\): the gradient of the sc"):
        explain(toy(Saturated(nn.Softmax(1))), dark_and_bright, small(name))


@pytest.mark.parametrize("name", ["sliding_patch", "lime"])
def test_scores_that_never_change_are_refused(name, images) -> None:
    with pytest.raises(InputError, match=r"of image 0, 1, 2 .*try another measure \(measure='log"):
        explain(toy(Blind()), images, small(name))
    with pytest.raises(InputError, match=r"does not change .* another class or method"):
        explain(toy(Blind()), images, small(name), measure="logit", deterministic=True)


def test_penalties_that_outweigh_the_score_are_refused(images) -> None:
    quantity = toy(Convolutional(1), outputs="regression")
    with pytest.raises(InputError, match="small beside the penalties of the method"):
        explain(quantity, images[:1], small("bbmp", sparsity=1e3, first=1.0))


@pytest.mark.parametrize("name", ["tide", "sliding_patch"])
def test_a_picture_of_one_colour_has_a_map(name) -> None:
    colour = torch.tensor([0.2, 0.5, 0.7])[:, None, None].expand(1, 3, 32, 32)
    saliency = explain(toy(Convolutional()), colour, small(name)).saliency
    check_map(saliency, colour)


def test_controls_and_random_weights_may_have_constant_maps(images) -> None:
    assert explain(toy(Blind()), images, "box").saliency.isfinite().all()
    study = Study.of(toy(Blind()), images, small("sliding_patch"))
    study.accepts_constant = True
    assert study.finish().saliency.std() == 0


def test_randomised_networks_may_have_constant_maps(images, monkeypatch) -> None:
    studies = []
    finish = Study.finish
    monkeypatch.setattr(Study, "finish", lambda study: studies.append(study) or finish(study))
    list(check(toy(Convolutional()), images[:1], small("sliding_patch"), steps=1))
    assert [study.accepts_constant for study in studies] == [False, True]
