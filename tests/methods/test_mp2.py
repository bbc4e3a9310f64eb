from itertools import pairwise

import torch

from tests.conftest import masked_score
from unsee import create


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
