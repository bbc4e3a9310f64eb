"""Total variation by hand and by numpy."""

import numpy as np
import pytest
import torch

from tests.metrics.conftest import rate, single_pixel
from unsee.metrics.total_variation import total_variation


def test_total_variation_by_numpy(score, noise) -> None:
    plane = noise[0].numpy()
    rows, columns = (np.abs(np.diff(plane, axis=axis)).mean() for axis in (0, 1))
    expected = (rows + columns) / np.ptp(plane)
    assert rate("total_variation", score, noise) == pytest.approx(expected, abs=1e-5)
    assert total_variation(noise.numpy()).item() == pytest.approx(expected, abs=1e-5)


def test_flat_and_single_pixel_maps() -> None:
    maps = [np.full((32, 32), 0.3), single_pixel(4, 4)[0].numpy()]
    np.testing.assert_allclose(total_variation(maps), [0, 4 / (31 * 32)], atol=1e-6)


def test_scale_and_offset_do_not_count(noise) -> None:
    for maps in (7 * noise + 3, 1e-14 * noise):
        torch.testing.assert_close(total_variation(maps), total_variation(noise))


def test_raw_masks_are_not_stretched(noise) -> None:
    low, high = noise.aminmax()
    mask = 0.3 + 0.2 * (noise - low) / (high - low)
    torch.testing.assert_close(total_variation(mask, "raw"), 0.2 * total_variation(mask))
