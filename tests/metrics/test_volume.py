"""Volume by hand."""

import numpy as np
import pytest

from tests.metrics.conftest import rate, rectangle, single_pixel
from unsee.metrics.volume import volume


def test_flat_and_single_pixel_maps() -> None:
    maps = [np.full((32, 32), 0.3), single_pixel(4, 4)[0].numpy(), np.full((32, 32), 5.0)]
    np.testing.assert_allclose(volume(maps), [0.3, 1 / 1024, 0], atol=1e-6)


def test_map_outside_the_unit_range_is_rescaled(score) -> None:
    saliency = 5 * rectangle() - 2
    assert rate("volume", score, saliency) == pytest.approx(128 / 1024)
    assert volume(saliency.numpy()).item() == pytest.approx(128 / 1024)
