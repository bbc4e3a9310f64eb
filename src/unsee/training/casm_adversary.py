"""Adversarial training of CASM: mask losses, weight of the area, classifier snapshots."""

from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from unsee.classifiers.measures import Logits

Objective = Literal["entropy", "classification"]
Snapshot = dict[str, Tensor]
"""State of the classifier at an earlier step."""
MAX_SNAPSHOTS = 30
"""Largest number of snapshots; beyond it a new one replaces a random one."""
AREA_GAIN = 0.02
"""Change per step of the logarithm of the area's weight, per unit of excess area. Masks react with
a delay: with a gain five times as large the weight overshot and masks vanished for good."""
MAX_LOG_FACTOR = 1.0
"""Bound of the logarithm of the factor of the area's weight."""


class AreaFactor(nn.Module):
    """Factor of the area's weight that brings masks to a target area.

    `log` is the factor's logarithm, a buffer that is part of checkpoints.
    """

    log: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("log", torch.zeros(()))

    def update(self, excess: Tensor) -> None:
        """Raise the factor in proportion to the area by which masks exceed their target."""
        self.log = (self.log + AREA_GAIN * excess).clamp(-MAX_LOG_FACTOR, MAX_LOG_FACTOR)


def mask_losses(
    objective: Objective,
    logits: Logits,
    mask: Float[Tensor, "n 1 h w"],
    labels: Int[Tensor, " n"],
    correct: Bool[Tensor, " n"],
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Return the two losses of masks, both means over the batch.

    Args:
        objective: "entropy" maximises the entropy of the prediction for masked images;
            "classification" maximises their cross-entropy.
        logits: Logits of the adversary for masked images.
        mask: 1 hides a pixel.
        labels: Classes of the images.
        correct: Whether the unmasked image is classified correctly.

    Returns:
        The evidence that masked images still contain, for images with `correct`, and the masks'
        area, for images that are no longer classified correctly once they are masked.
    """
    log_probabilities = logits.float().log_softmax(1)
    if objective == "entropy":
        evidence = (log_probabilities.exp() * log_probabilities).sum(1)  # minus the entropy
    else:
        evidence = log_probabilities.gather(1, labels[:, None])[:, 0]  # minus the cross-entropy
    fooled = correct & (logits.argmax(1) != labels)
    area = mask.mean((1, 2, 3))
    return (evidence * correct).mean(), (area * fooled).mean()


def add_snapshot(
    snapshots: list[Snapshot], network: nn.Module, seed: int, limit: int = MAX_SNAPSHOTS
) -> None:
    """Append a copy of the network's state; at the limit, replace a random snapshot by it."""
    state = {key: value.detach().clone().cpu() for key, value in network.state_dict().items()}
    if len(snapshots) < limit:
        snapshots.append(state)
    else:
        g = torch.Generator().manual_seed(seed)
        snapshots[int(torch.randint(limit, (1,), generator=g))] = state
