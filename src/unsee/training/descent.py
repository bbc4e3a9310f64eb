"""Gradient steps shared by several processes, and learning-rate schedules."""

import math
from typing import Any

from torch import Tensor, nn

from unsee.errors import InputError


def set_rate(optimizer: Any, rate: float) -> None:
    """Set the learning rate of all parameter groups."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def cosine_rate(rate: float, progress: float) -> float:
    """Return the learning rate of a cosine schedule: `rate` at progress 0, zero from 1 on."""
    return rate * (1 + math.cos(math.pi * min(progress, 1.0))) / 2


def descend(
    accelerator: Any, optimizer: Any, network: nn.Module, loss: Tensor, max_norm: float
) -> None:
    """Make one step with the mean gradient of all processes, clipped to `max_norm`.

    Raises:
        InputError: If the gradient is not finite and no loss scaler handles that. The parameters
            are then unchanged.
    """
    optimizer.zero_grad()
    accelerator.backward(loss)
    if accelerator.num_processes > 1:
        for parameter in network.parameters():
            if parameter.grad is not None:
                parameter.grad = accelerator.reduce(parameter.grad, "mean")
    # only the gradients of this network, where float16 scales the losses of several networks
    accelerator.unscale_gradients(optimizer)
    norm = nn.utils.clip_grad_norm_(network.parameters(), max_norm)
    if accelerator.scaler is None and not norm.isfinite():
        raise InputError(
            "the gradient is not finite; the last checkpoint is unchanged: train in another folder "
            "with a lower rate"
        )
    optimizer.step()
