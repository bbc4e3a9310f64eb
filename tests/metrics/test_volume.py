"""Volume by hand."""

import numpy as np
import pytest

from tests.metrics.conftest import rate, rectangle, single_pixel
from unsee.metrics.volume import volume


def test_flat_and_single_pixel_maps() -> None:
    maps = [np.full((32, 32), 0.3), single_pixel(4, 4)[0].numpy(), np.full((32, 32), 5.0)]
    np.testing.assert_allclose(volume(maps), [0, 1 / 1024, 0], atol=1e-6)


def test_raw_mask_is_the_map() -> None:
    assert volume([np.full((32, 32), 0.3)], "raw").item() == pytest.approx(0.3)


@pytest.mark.parametrize(("factor", "offset"), [(1.0, 0.0), (0.5, 0.2), (5.0, -2.0), (0.01, 0.0)])
def test_unit_of_the_map_does_not_matter(score, factor, offset) -> None:
    saliency = factor * rectangle() + offset
    assert rate("volume", score, saliency) == pytest.approx(128 / 1024)
    assert volume(saliency.numpy()).item() == pytest.approx(128 / 1024)
