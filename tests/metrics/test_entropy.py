"""Entropy by hand and by scipy."""

import numpy as np
import pytest
import torch
from scipy import stats

from tests.metrics.conftest import rate, single_pixel
from unsee.metrics.entropy import entropy


def test_entropy_by_scipy(score, noise) -> None:
    expected = stats.entropy(noise.numpy().ravel()) / np.log(1024)
    assert rate("entropy", score, noise) == pytest.approx(expected, abs=1e-5)
    assert entropy(noise.numpy()).item() == pytest.approx(expected, abs=1e-5)


def test_flat_and_single_pixel_maps() -> None:
    maps = [np.full((32, 32), 0.3), single_pixel(4, 4)[0].numpy(), np.zeros((32, 32))]
    np.testing.assert_allclose(entropy(maps), [1, 0, 1], atol=1e-6)


def test_sign_and_scale_do_not_count(noise) -> None:
    torch.testing.assert_close(entropy(-7 * noise), entropy(noise))
