"""How alike two maps are: SSIM, correlation of HOG features, rank correlation."""

from collections.abc import Callable
from itertools import combinations

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

Plane = NDArray[np.float64]


def ssim(one: Plane, other: Plane) -> float:
    """Structural similarity of the maps scaled to [0, 1] (scikit-image, window of 7 or less)."""
    from skimage.metrics import structural_similarity

    window = min(7, min(one.shape) - (min(one.shape) + 1) % 2)
    found: float = structural_similarity(
        _scaled(one), _scaled(other), data_range=1.0, win_size=window
    )
    return found


def hog(one: Plane, other: Plane) -> float:
    """Pearson correlation of histograms of oriented gradients (Adebayo et al., NeurIPS 2018).

    Nine orientations in cells of 16 pixels, fewer in maps of less than 48.
    """
    from skimage.feature import hog as features

    cell = min(16, min(one.shape) // 3)
    a, b = (
        features(_scaled(map_), 9, (cell, cell), (3, 3), feature_vector=True)
        for map_ in (one, other)
    )
    return _correlation(a, b)


def spearman(one: Plane, other: Plane) -> float:
    """Correlation of the ranks; equal values share their mean rank."""
    from scipy.stats import rankdata

    return _correlation(rankdata(one), rankdata(other))


MEASURES: dict[str, Callable[[Plane, Plane], float]] = {
    "ssim": ssim,
    "hog": hog,
    "spearman": spearman,
}


def alike(
    one: Float[Tensor, "h w"], other: Float[Tensor, "h w"], measure: str = "spearman"
) -> float:
    """One of the three, in [-1, 1]; 0 where a map is constant."""
    planes = [m.detach().cpu().double().numpy() for m in (one, other)]
    if any(np.ptp(plane) == 0 for plane in planes):
        return 0.0
    return MEASURES[measure](*planes)


def each(
    maps: Float[Tensor, "b h w"], others: Float[Tensor, "b h w"], measure: str = "spearman"
) -> list[float]:
    """Of each map with the other of its place."""
    return [alike(one, other, measure) for one, other in zip(maps, others, strict=True)]


def by_measure(
    maps: Float[Tensor, "b h w"], others: Float[Tensor, "b h w"]
) -> dict[str, list[float]]:
    """The same by every measure."""
    return {name: each(maps, others, name) for name in MEASURES}


def pairs(maps: Float[Tensor, "k h w"], measure: str = "spearman") -> float:
    """Mean similarity over all pairs of maps; NaN for a single one."""
    planes = [plane.detach().cpu().double().numpy() for plane in maps]
    values = [MEASURES[measure](a, b) for a, b in combinations(planes, 2)]
    return float(np.mean(values)) if values else float("nan")


def sensitivity(maps: Float[Tensor, "k h w"]) -> dict[str, float]:
    """By each measure over the maps of a sweep: the G-methods' Table S1 (Bansal et al. 2020).

    Higher is less sensitive to the setting that was swept.
    """
    return {name: pairs(maps, name) for name in MEASURES}


def _scaled(plane: Plane) -> Plane:
    low, high = plane.min(), plane.max()
    scaled: Plane = (plane - low) / max(high - low, 1e-12)
    return scaled


def _correlation(a: Plane, b: Plane) -> float:
    """Pearson's; 0 where one of the two does not vary."""
    a, b = a.ravel() - a.mean(), b.ravel() - b.mean()
    length = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / length) if length > 1e-12 else 0.0
