"""Similarity of saliency maps: SSIM, correlation of HOG features, rank correlation."""

from collections.abc import Callable
from itertools import combinations

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from unsee.errors import unknown
from unsee.saliency import rescale

Plane = NDArray[np.float64]
"""One map (h, w)."""


def ssim(first: Plane, second: Plane) -> float:
    """Return the structural similarity of two maps, each scaled to [0, 1] by its extremes.

    scikit-image's implementation, with a window of 7 pixels, or the largest odd window that fits
    into a smaller map.

    Reference: Wang et al., 2004, Image quality assessment: from error visibility to structural
    similarity, IEEE TIP, https://doi.org/10.1109/TIP.2003.819861
    """
    from skimage.metrics import structural_similarity

    window = min(7, min(first.shape) - (min(first.shape) + 1) % 2)
    value: float = structural_similarity(
        _rescale(first), _rescale(second), data_range=1.0, win_size=window
    )
    return value


def hog(first: Plane, second: Plane) -> float:
    """Return the Pearson correlation of the maps' histograms of oriented gradients.

    Nine orientations in cells of 16 x 16 pixels, blocks of 3 x 3 cells; maps with a side below 48
    pixels have cells of a third of the side. 0 if the features of a map are constant.

    Reference: Adebayo et al., 2018, Sanity checks for saliency maps, NeurIPS,
    https://arxiv.org/abs/1810.03292
    """
    from skimage.feature import hog as hog_features

    cell = min(16, min(first.shape) // 3)
    a, b = (
        hog_features(_rescale(plane), 9, (cell, cell), (3, 3), feature_vector=True)
        for plane in (first, second)
    )
    return _pearson(a, b)


def spearman(first: Plane, second: Plane) -> float:
    """Return Spearman's rank correlation over the pixels; equal values share their mean rank.

    0 if a map is constant.
    """
    from scipy.stats import spearmanr

    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return float(spearmanr(first.ravel(), second.ravel()).statistic)


MEASURES: dict[str, Callable[[Plane, Plane], float]] = {
    "ssim": ssim,
    "hog": hog,
    "spearman": spearman,
}
"""Measures of similarity by name; each lies in [-1, 1] and is 1 for equal maps."""


def similarity(
    first: Float[Tensor, "h w"], second: Float[Tensor, "h w"], measure: str = "spearman"
) -> float:
    """Return the similarity of two maps by a measure of `MEASURES`, in [-1, 1].

    0 if a map is constant.

    Raises:
        InputError: For an unknown measure.
    """
    if measure not in MEASURES:
        raise unknown("measure of similarity", measure, MEASURES)
    planes = [_plane(saliency) for saliency in (first, second)]
    if any(np.ptp(plane) == 0 for plane in planes):
        return 0.0
    return MEASURES[measure](*planes)


def similarities(
    first: Float[Tensor, "b h w"], second: Float[Tensor, "b h w"], measure: str = "spearman"
) -> list[float]:
    """Return the similarity of each map of the first batch with the same map of the second."""
    return [similarity(a, b, measure) for a, b in zip(first, second, strict=True)]


def similarities_by_measure(
    first: Float[Tensor, "b h w"], second: Float[Tensor, "b h w"]
) -> dict[str, list[float]]:
    """Return `similarities` for each measure of `MEASURES`."""
    return {name: similarities(first, second, name) for name in MEASURES}


def stability(maps: Float[Tensor, "k h w"], measure: str = "spearman") -> float:
    """Return the mean similarity over all pairs of k maps; NaN for a single map."""
    planes = [_plane(saliency) for saliency in maps]
    values = [MEASURES[measure](a, b) for a, b in combinations(planes, 2)]
    return float(np.mean(values)) if values else float("nan")


def stability_by_measure(maps: Float[Tensor, "k h w"]) -> dict[str, float]:
    """Return the `stability` of the maps of a sweep over a setting for each measure of `MEASURES`.

    A higher value is less sensitive to the setting.

    Reference: Bansal et al., 2020, SAM: the sensitivity of attribution methods to hyperparameters,
    CVPR, https://arxiv.org/abs/2003.08754; Agarwal and Nguyen, 2020, Table S1,
    https://arxiv.org/abs/1910.04256
    """
    return {name: stability(maps, name) for name in MEASURES}


def _plane(saliency: Float[Tensor, "h w"]) -> Plane:
    plane: Plane = saliency.detach().cpu().double().numpy()
    return plane


def _rescale(plane: Plane) -> Plane:
    scaled: Plane = rescale(torch.from_numpy(plane)[None])[0].numpy()
    return scaled


def _pearson(a: Plane, b: Plane) -> float:
    """Return Pearson's correlation; 0 if one of the two is constant."""
    a, b = a.ravel() - a.mean(), b.ravel() - b.mean()
    length = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / length) if length > 1e-12 else 0.0
