"""Gini index by hand and by numpy."""

import numpy as np
import pytest
import torch

from tests.metrics.conftest import rate, single_pixel
from unsee.metrics.gini import gini


def test_gini_by_numpy(score, noise) -> None:
    values = np.sort(noise.numpy().ravel())
    expected = np.abs(values[:, None] - values[None]).mean() / (2 * values.mean())
    assert rate("gini", score, noise) == pytest.approx(expected, abs=1e-4)
    assert gini(noise.numpy()).item() == pytest.approx(expected, abs=1e-4)


def test_flat_and_single_pixel_maps() -> None:
    maps = [np.full((32, 32), 0.3), single_pixel(4, 4)[0].numpy(), np.zeros((32, 32))]
    np.testing.assert_allclose(gini(maps), [0, 1 - 1 / 1024, 0], atol=1e-6)


def test_sign_and_scale_do_not_count(noise) -> None:
    torch.testing.assert_close(gini(-7 * noise), gini(noise))
