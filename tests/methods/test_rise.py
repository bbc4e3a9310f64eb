from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.conftest import Convolutional, masked_score, toy
from tests.methods.conftest import on_grey, probabilities
from unsee import create
from unsee.masking.score import MaskedScore
from unsee.masking.slots import Slots
from unsee.registry import resolve

EXPECTED = {"coverage": "expected"}


@pytest.mark.parametrize("settings", [{}, EXPECTED])
def test_map_is_the_mean_of_masks_weighted_by_score(settings, image, evaluations) -> None:
    network = toy(Convolutional())
    rise = create("methods", "rise", samples=150, **settings)
    saliency = rise.attribute(masked_score(network, image))
    keep = torch.cat([masks for masks, _ in evaluations], 1)[0, :, 0].numpy()
    assert keep.shape == (150, 32, 32)
    p = probabilities(network, [on_grey(mask[None], image[0].numpy()) for mask in keep])
    covered = 150 * 0.5 if settings else keep.sum(0)
    expected = (p[:, None, None] * keep).sum(0) / covered
    np.testing.assert_allclose(saliency[0], expected, atol=1e-5)


def test_masks_cover_all_pixels_evenly(image, monkeypatch) -> None:
    monkeypatch.setattr(MaskedScore, "__call__", lambda self, keep, **_: torch.ones(keep.shape[:2]))
    score = masked_score(toy(Convolutional()), image)
    coverage = create("methods", "rise", samples=4000, **EXPECTED).attribute(score)[0]
    assert coverage.mean().item() == pytest.approx(1, abs=0.02)
    assert (coverage - 1).abs().max() < 0.12


@pytest.mark.parametrize("cells", [None, "halves"])
def test_a_constant_that_is_added_to_the_score_is_added_to_the_map(cells, image, monkeypatch):
    """On the grid, and with two segments."""
    slots = None
    if cells:
        halves = (torch.arange(32) >= 16).long().expand(1, 32, 32)
        slots = Slots(create("cells", "slic"), 2, halves)
    score = replace(masked_score(toy(Convolutional()), image), slots=slots)
    rise, plain = create("methods", "rise", samples=70), MaskedScore.__call__
    expected = rise.attribute(score)

    def offset(self, keep, **settings):
        return plain(self, keep, **settings) + 256.0

    monkeypatch.setattr(MaskedScore, "__call__", offset)
    saliency = rise.attribute(score)
    torch.testing.assert_close(saliency, expected + 256, rtol=0, atol=1e-4)
    assert torch.corrcoef(torch.stack([saliency.flatten(), expected.flatten()]))[0, 1] > 0.99


def test_a_constant_score_gives_a_constant_map(image, monkeypatch) -> None:
    monkeypatch.setattr(
        MaskedScore, "__call__", lambda self, keep, **_: torch.full(keep.shape[:2], 0.7)
    )
    score = masked_score(toy(Convolutional()), image)
    for samples in (1, 70):  # a single mask leaves pixels without a score of their own
        maps = create("methods", "rise", samples=samples).attribute(score)
        assert (maps == maps[0, 0, 0]).all()


def test_the_recipe_divides_as_the_paper_does() -> None:
    assert resolve("methods", "recipe:rise").coverage == "expected"
    assert resolve("methods", "rise").coverage == "actual"
