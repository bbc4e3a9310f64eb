import numpy as np
import pytest
import torch

from tests.conftest import Convolutional, masked_score, toy
from unsee import InputError, create

ALPHA = {"ridge": 1.0, "lasso": 1e-4, "two_stage": 1.0}
CENTRES = [4, 15, 28]
"""Rows and columns of a pixel in each of 3 x 3 superpixels."""


def ridge(z, y, weight, alpha):
    """Coefficients of a weighted ridge regression with an intercept."""
    a = z - np.average(z, axis=0, weights=weight)
    b = y - np.average(y, weights=weight)
    normal = (a * weight[:, None]).T @ a + alpha * np.eye(z.shape[1])
    return np.linalg.solve(normal, (a * weight[:, None]).T @ b)


def fitted(image, evaluations, regression):
    """Coefficients of LIME, kept superpixels, scores and weights of its samples."""
    method = create(
        "methods", "lime", superpixels="grid", segments=9, samples=150, features=3,
        regression=regression, alpha=ALPHA[regression],
    )  # fmt: skip
    saliency = method.attribute(masked_score(toy(Convolutional()), image))[0].double().numpy()
    keep = torch.cat([masks for masks, _ in evaluations], 1)[0, :, 0].double().numpy()
    y = torch.cat([scores for _, scores in evaluations], 1)[0].double().numpy()
    assert keep.shape == (150, 32, 32)
    assert keep[0].min() == 1  # the first sample is the image
    z = keep[:, CENTRES][:, :, CENTRES].reshape(150, 9)
    distance = 1 - z.sum(1) / np.maximum(np.sqrt(z.sum(1)) * 3, 1e-9)
    weight = np.sqrt(np.exp(-(distance**2) / 0.25**2))
    return saliency[CENTRES][:, CENTRES].reshape(9), z, y, weight


def test_ridge_equals_numpy(image, evaluations) -> None:
    coefficients, z, y, weight = fitted(image, evaluations, "ridge")
    np.testing.assert_allclose(coefficients, ridge(z, y, weight, 1.0), atol=1e-6)


def test_two_stage_fits_the_strongest_superpixels_again(image, evaluations) -> None:
    coefficients, z, y, weight = fitted(image, evaluations, "two_stage")
    strong = np.argsort(-np.abs(ridge(z, y, weight, 1.0)))[:3]
    expected = np.zeros(9)
    expected[strong] = ridge(z[:, strong], y, weight, 1.0)
    np.testing.assert_allclose(coefficients, expected, atol=1e-6)


def test_lasso_satisfies_the_karush_kuhn_tucker_conditions(image, evaluations) -> None:
    coefficients, z, y, weight = fitted(image, evaluations, "lasso")
    alpha, share = ALPHA["lasso"], weight / weight.sum()
    residual = y - y @ share - (z - np.average(z, axis=0, weights=weight)) @ coefficients
    slope = (z * share[:, None]).T @ residual
    assert (np.abs(slope) <= alpha * 1.01).all()
    active = coefficients != 0
    np.testing.assert_allclose(slope[active], alpha * np.sign(coefficients[active]), rtol=0.02)


@pytest.mark.parametrize("name", ["lime", "kernel_shap"])
def test_more_superpixels_than_pixels_are_refused(image, name) -> None:
    method = create("methods", name, segments=2000)
    if method.traits.requires:
        pytest.importorskip(method.traits.requires)
    with pytest.raises(InputError, match="at most 1024 segments"):
        method.attribute(masked_score(toy(Convolutional()), image))


@pytest.mark.parametrize(("passes", "samples"), [(1, 2), (2, 2), (3, 3), (500, 500)])
def test_budget_pays_for_at_least_two_samples(passes, samples) -> None:
    assert create("methods", "lime").with_budget(passes, (32, 32)).samples == samples
