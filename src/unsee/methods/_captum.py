"""Base class of the methods that call Captum."""

import random
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from unsee.classifiers.checks import check_finite
from unsee.masking.score import MaskedScore
from unsee.methods.base import Method, Progress, Traits, fixed_maps
from unsee.types import Images, Saliency

Pooling = Literal["sum", "abs", "max"]
"""How channels are pooled: sum, sum of magnitudes (abs) or largest magnitude (max)."""


class CaptumMethod(Method):
    """An attribution of Captum (extra: baselines), one image at a time.

    Captum draws from global random generators, which are seeded for each image, so that a map does
    not depend on the batch. The baseline of an attribution is the background that the in-filler
    computes when no pixel is kept.
    """

    libraries: ClassVar[tuple[str, ...]] = ("captum.attr",)

    traits = Traits(measure="logit", requires="captum")
    channels: Pooling

    @abstractmethod
    def attributions(
        self, captum: Any, network: "ScoreModule", x: Images, background: Images
    ) -> Tensor:
        """Return the attributions (1, c, h, w) of one image.

        Args:
            captum: The module `captum.attr`.
            network: The function that is explained.
            x: The normalised image (1, c, h, w).
            background: Its normalised baseline (1, c, h, w).
        """

    def iterate(self, score: MaskedScore) -> Iterator[Progress]:
        """Yield after each image."""
        import captum.attr

        network = ScoreModule(score)
        maps = torch.zeros_like(score.images[:, 0])
        empty = score.images.new_zeros(len(score.images), 1, 1, 1, 1)
        x = score.classifier.normalise(score.images)
        background = score.classifier.normalise(score.pictures(empty))
        for i, seed in enumerate(score.seeds):
            network.row = i
            image = x[i : i + 1].clone().requires_grad_(self.traits.needs_gradient)
            with global_seed(seed, x.device):
                result = self.attributions(captum.attr, network, image, background[i : i + 1])
            maps[i] = pooled(result.detach(), self.channels)[0]
            yield Progress(i + 1, len(maps), fixed_maps(maps.clone()))


class ScoreModule(nn.Module):
    """A module from normalised variants (n, c, h, w) of the image `row` to its scores (n,).

    The network of the classifier is a submodule, so that hooks can be put into it.
    """

    def __init__(self, score: MaskedScore) -> None:
        super().__init__()
        self.score, self.row = score, 0
        if isinstance(score.classifier.model, nn.Module):
            self.model = score.classifier.model
        # libraries read the device from the parameters, and some networks have none
        self.device_parameter = nn.Parameter(score.images.new_empty(0), requires_grad=False)
        self.training = False

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores of normalised images, which the classifier normalises again itself."""
        classifier = self.score.classifier
        target = self.score.targets[self.row].expand(len(x))
        chunk = max(2, self.batch_size_for(len(x)))  # DeepLift compares two images of one pass
        parts = zip(x.split(chunk), target.split(chunk), strict=True)
        values = [
            classifier.score_chunk(classifier.denormalise(p), t, self.score.measure)
            for p, t in parts
        ]
        scores = torch.cat(values)
        check_finite(scores, [self.row] * len(scores))
        return scores

    def batch_size_for(self, count: int) -> int:
        """Return the batch size in which the classifier evaluates `count` images."""
        gradient = torch.is_grad_enabled() and self.score.classifier.differentiable
        return self.score.classifier.batch_size_for(self.score.images, count, gradient=gradient)


def pooled(attributions: Tensor, channels: Pooling) -> Saliency:
    """Pool attributions (b, c, h, w) over the channels to maps (b, h, w)."""
    if channels == "sum":
        return attributions.sum(1)
    return attributions.abs().sum(1) if channels == "abs" else attributions.abs().amax(1)


@contextmanager
def global_seed(seed: int, device: torch.device) -> Iterator[None]:
    """Seed the global random generators, which Captum draws from, and restore them afterwards.

    These are the generators of torch, NumPy and Python.
    """
    import numpy as np

    numpy_state, python_state = np.random.get_state(), random.getstate()
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        np.random.seed(seed % 2**32)
        random.seed(seed)
        try:
            yield
        finally:
            np.random.set_state(numpy_state)
            random.setstate(python_state)
