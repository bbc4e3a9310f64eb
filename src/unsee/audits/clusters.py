"""Describe regions of photos, and group those that look alike."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from unsee.audits.evidence import Box
from unsee.classifiers.classifier import Classifier
from unsee.errors import InputError
from unsee.networks.stages import find_stages
from unsee.types import Images

DIMENSIONS = 8
"""Largest number of principal components that are clustered."""
MAX_CLUSTERED = 20_000
"""Regions that HDBSCAN groups, whose time grows faster than their number; others join a group."""
DENSE = 2
"""Neighbours within which a region counts as one of a dense place (`min_samples` of HDBSCAN)."""
SMALL = 16
"""Side of the crops of the plain descriptor."""


class Describer:
    """Describe crops by the classifier's deepest feature maps, or by their colours.

    A classifier without feature maps, such as a black box, is not asked: the plain descriptor is
    the crop itself at a small size.
    """

    def __init__(self, classifier: Classifier, like: Images) -> None:
        self.classifier, self.layer = classifier, ""
        try:
            network = classifier.require_network("describing regions")
            self.layer = find_stages(network, classifier.network_input(like[:1]))[-1]
        except InputError:
            self.layer = ""

    @property
    def name(self) -> str:
        """What describes the crops, in words."""
        return f"the feature maps of layer {self.layer}" if self.layer else "their colours"

    def __call__(self, image: Images, crops: Sequence[Box]) -> Float[Tensor, "n d"]:
        """Return a vector of length 1 for each crop (x1, y1, x2, y2) of one photo (1, c, h, w)."""
        size = image.shape[-2:] if self.layer else (SMALL, SMALL)
        pieces = torch.cat([
            F.interpolate(
                image[..., y1:y2, x1:x2], size, mode="bilinear", antialias=True
            ).clamp(0, 1)
            for x1, y1, x2, y2 in crops
        ])  # fmt: skip
        if self.layer:
            vectors = self.classifier.features(pieces, [self.layer]).maps[0].mean((2, 3))
        else:
            vectors = pieces.flatten(1) - 0.5
        return F.normalize(vectors.cpu().double(), dim=1)


def cluster(vectors: Float[Tensor, "n d"], least: int) -> Int[Tensor, " n"]:
    """Return the number of the cluster of each region; -1 is none.

    HDBSCAN (Campello, Moulavi & Sander, PAKDD 2013) on principal components. Its leaves are taken,
    which are small and alike: crops of X-rays resemble each other more than those of photos. The
    largest cluster has number 0.

    Args:
        vectors: Descriptors of the regions.
        least: Smallest number of regions in a cluster, at least 2.
    """
    from sklearn.cluster import HDBSCAN
    from sklearn.decomposition import PCA

    count = len(vectors)
    if count < 2 * least:  # fewer cannot form two groups, nor one that differs from others
        return torch.full((count,), -1)
    dimensions = min(DIMENSIONS, count - 1, vectors.shape[1])
    points: NDArray[np.float64] = PCA(dimensions, svd_solver="full").fit_transform(vectors.numpy())
    model = HDBSCAN(
        min_cluster_size=least, min_samples=DENSE, cluster_selection_method="leaf",
        allow_single_cluster=True, copy=True,
    )  # fmt: skip
    some = np.random.default_rng(0).permutation(count)[:MAX_CLUSTERED]
    labels = np.full(count, -1)
    labels[some] = model.fit(points[some]).labels_
    labels = _joined(points, labels)
    sizes = np.bincount(labels[labels >= 0]) if (labels >= 0).any() else np.zeros(0, int)
    place = {int(old): new for new, old in enumerate(np.argsort(-sizes, kind="stable"))}
    return torch.tensor([place.get(int(label), -1) for label in labels])


def _joined(points: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the labels with regions that are near a cluster added to it.

    A region of no cluster joins the one of the nearest centre, if it is no farther from that centre
    than the cluster's farthest member.
    """
    from scipy.spatial.distance import cdist

    joined = labels.copy()
    numbers = np.unique(labels[labels >= 0])
    if not len(numbers):
        return joined
    centres = np.stack([points[labels == number].mean(0) for number in numbers])
    distances = cdist(points, centres)
    radii = np.array([distances[labels == n, k].max() for k, n in enumerate(numbers)])
    nearest = distances.argmin(1)
    near = (labels < 0) & (distances[np.arange(len(points)), nearest] <= radii[nearest])
    joined[near] = numbers[nearest[near]]
    return joined
