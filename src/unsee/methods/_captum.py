"""Captum's attributions as methods: what they share."""

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import Tensor, nn

from unsee.masking.score import MaskedScore
from unsee.methods.base import Method, Progress, Traits, drawn
from unsee.types import Images, Saliency

Pooling = Literal["sum", "abs", "max"]
"""How channels become one map: their sum, the sum of magnitudes, the largest magnitude."""


class CaptumMethod(Method):
    """An attribution of Captum (extra: baselines), of one image after another.

    One by one, with Captum's random numbers seeded by the image, since its draws would otherwise
    depend on the batch. The baseline, where there is one, is what the in-filler puts behind it all.
    """

    traits = Traits(measure="logit", requires="captum")
    channels: Pooling

    @abstractmethod
    def ask(self, captum: Any, network: "Scored", x: Images, behind: Images) -> Tensor:
        """Attributions of one normalised image x; `captum` is the module captum.attr."""

    def iterate(self, score: MaskedScore) -> Iterator[Progress]:
        """One round is one image."""
        import captum.attr

        network = Scored(score)
        found = torch.zeros_like(score.images[:, 0])
        background = score.pictures(score.images.new_zeros(len(score.images), 1, 1, 1, 1))
        x, behind = (score.classifier.normalise(v) for v in (score.images, background))
        for i, seed in enumerate(score.seeds):
            network.row = i
            only = x[i : i + 1].clone().requires_grad_(self.traits.needs_gradient)
            with seeded(seed, x.device):
                given = self.ask(captum.attr, network, only, behind[i : i + 1])
            found[i] = pooled(given.detach(), self.channels)[0]
            yield Progress(i + 1, len(found), drawn(found.clone()))


class Scored(nn.Module):
    """Normalised images of one row -> scores (n,), with the user's network inside for hooks."""

    def __init__(self, score: MaskedScore) -> None:
        super().__init__()
        self.score, self.row = score, 0
        if isinstance(score.classifier.model, nn.Module):
            self.model = score.classifier.model
        # what asks a network for its device asks its parameters, and some networks have none
        self.place = nn.Parameter(score.images.new_empty(0), requires_grad=False)
        self.training = False

    def forward(self, x: Tensor) -> Tensor:
        """Undo the normalisation, which the classifier will do again; any number of images."""
        classifier = self.score.classifier
        target = self.score.targets[self.row].expand(len(x))
        chunk = max(2, self.at_a_time(len(x)))  # DeepLift compares two pictures of one pass
        parts = zip(x.split(chunk), target.split(chunk), strict=True)
        values = [
            classifier.measured(classifier.denormalise(p), t, self.score.measure) for p, t in parts
        ]
        return torch.cat(values)

    def at_a_time(self, wanted: int) -> int:
        """How many of `wanted` images go through the network together."""
        gradient = torch.is_grad_enabled() and self.score.classifier.differentiable
        return self.score.classifier.at_a_time(self.score.images, wanted, gradient=gradient)


def pooled(attributions: Tensor, channels: Pooling) -> Saliency:
    """One number for each pixel."""
    if channels == "sum":
        return attributions.sum(1)
    return attributions.abs().sum(1) if channels == "abs" else attributions.abs().amax(1)


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Torch's and numpy's global random numbers, seeded inside and as before outside."""
    import numpy as np

    before = np.random.get_state()  # Captum draws from the global generators
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        np.random.seed(seed % 2**32)
        try:
            yield
        finally:
            np.random.set_state(before)
