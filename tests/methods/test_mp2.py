from itertools import pairwise

import pytest
import torch
from torch import nn

from tests.conftest import masked_score, toy
from unsee import create
from unsee.parts import resolve_parts


class Brightness(nn.Module):
    """Class 0 is bright; the others are equal."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.classes = classes

    def forward(self, x):
        others = x.new_zeros(len(x), self.classes - 1)
        return torch.cat([(8 * x.mean((1, 2, 3)) - 4)[:, None], others], 1)


def test_removes_the_cells_of_largest_gradient_until_chance(
    classifier, images, evaluations
) -> None:
    score = masked_score(classifier, images[:1])
    saliency = create("methods", "mp2", grid=4, cells=2, chance=0.2).attribute(score)
    masks = [keep for keep, _ in evaluations]
    scores = [values.item() for _, values in evaluations]
    for before, after in pairwise(masks):
        assert (before - after).sum() == 2
        assert ((before - after) >= 0).all()
    assert min(scores[:-1]) > 0.2
    assert scores[-1] <= 0.2
    removed = masks[-1][0, 0, 0] == 0
    assert removed[:3, :3].sum() == removed.sum()  # the corner and the reach of bilinear edges
    assert (saliency[0, :12, :12] > 0).all()
    assert saliency[0, 24:, 24:].max() == 0
    binary = create("methods", "mp2", grid=4, cells=2, chance=0.2, binary=True).attribute(score)
    assert torch.equal(binary[0, 4::8, 4::8] > 0.5, removed)


def test_visible_pixels_have_a_gradient_with_an_inpainter(classifier, images) -> None:
    score = masked_score(classifier, images[:1], "telea", target=1)
    saliency = create("methods", "mp2", grid=8, cells=4, chance=0.2).attribute(score)
    assert saliency[0, :14, :14].mean() > 2 * saliency[0, 18:, 18:].mean()


@pytest.mark.parametrize(("classes", "chance"), [(2, 0.5), (365, 1 / 365), (1000, 0.001)])
@pytest.mark.parametrize("name", ["mp2", "recipe:mp2", "recipe:mp2-g"])
def test_chance_is_that_of_the_classifiers_classes(name, classes, chance) -> None:
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))

    def attributed(**settings):
        score = masked_score(toy(Brightness(classes)), images, target=0)
        method = resolve_parts(name, grid=8, **settings).method
        return method.attribute(score), score.classifier.passes.forwards

    (saliency, passes), (expected, expected_passes) = attributed(), attributed(chance=chance)
    assert torch.equal(saliency, expected)
    assert passes == expected_passes


def test_labels_and_regressions_have_no_chance_level() -> None:
    images = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    for outputs in ("sigmoid", "regression"):
        classifier = toy(Brightness(4), outputs=outputs)
        classifier.predict(images)
        score = masked_score(classifier, images)
        assert create("methods", "mp2")._chance(score) == 0.001
        assert create("methods", "mp2", chance=0.3)._chance(score) == 0.3
