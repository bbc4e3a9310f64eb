"""Entropy of the intensities by hand and by scipy."""

import numpy as np
import pytest
from scipy import stats

from tests.metrics.conftest import rate, rectangle
from unsee import InputError
from unsee.metrics.intensity_entropy import intensity_entropy


def test_intensity_entropy_by_scipy(score, noise) -> None:
    plane = noise[0].numpy()
    mask = (plane - plane.min()) / np.ptp(plane)
    expected = np.mean([stats.entropy([m, 1 - m], base=2) for m in mask.ravel()])
    assert rate("intensity_entropy", score, noise) == pytest.approx(expected, abs=1e-5)
    assert intensity_entropy(noise.numpy()).item() == pytest.approx(expected, abs=1e-5)


def test_binary_masks_of_any_size_have_none() -> None:
    masks = [np.arange(1024).reshape(32, 32) < count for count in (16, 512, 972)]
    maps = [mask.astype(float) for mask in masks] + [np.full((32, 32), 0.5)]
    np.testing.assert_allclose(intensity_entropy(maps, "raw"), [0, 0, 0, 1], atol=1e-6)


def test_raw_masks_are_not_stretched() -> None:
    saliency = 0.5 + 0.1 * rectangle()
    expected = np.mean([stats.entropy([m, 1 - m], base=2) for m in saliency.numpy().ravel()])
    assert intensity_entropy(saliency, "raw").item() == pytest.approx(expected, abs=1e-5)
    assert intensity_entropy(saliency).item() == pytest.approx(0, abs=1e-6)
    with pytest.raises(InputError, match=r"expected maps in \[0, 1\] with mask=raw"):
        intensity_entropy(3 * saliency, "raw")
