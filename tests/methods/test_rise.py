import numpy as np
import pytest
import torch

from tests.conftest import Convolutional, masked_score, toy
from tests.methods.conftest import on_grey, probabilities
from unsee import create
from unsee.masking.score import MaskedScore


def test_map_is_the_mean_of_masks_weighted_by_score(image, evaluations) -> None:
    network = toy(Convolutional())
    saliency = create("methods", "rise", samples=150).attribute(masked_score(network, image))
    keep = torch.cat([masks for masks, _ in evaluations], 1)[0, :, 0].numpy()
    assert keep.shape == (150, 32, 32)
    p = probabilities(network, [on_grey(mask[None], image[0].numpy()) for mask in keep])
    expected = (p[:, None, None] * keep).sum(0) / (150 * 0.5)
    np.testing.assert_allclose(saliency[0], expected, atol=1e-5)


def test_masks_cover_all_pixels_evenly(image, monkeypatch) -> None:
    monkeypatch.setattr(MaskedScore, "__call__", lambda self, keep, **_: torch.ones(keep.shape[:2]))
    score = masked_score(toy(Convolutional()), image)
    coverage = create("methods", "rise", samples=4000).attribute(score)[0]
    assert coverage.mean().item() == pytest.approx(1, abs=0.02)
    assert (coverage - 1).abs().max() < 0.12
