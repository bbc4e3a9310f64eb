"""Weights of a classifier's last layer."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


def class_weights(network: nn.Module, classes: int) -> Float[Tensor, "{classes} _d"] | None:
    """Return the weight vector of each class, standardised over all classes.

    The vectors come from the last linear layer or 1 x 1 convolution with `classes` outputs, scaled
    to mean 0 and standard deviation 1 over all entries. None if there is no such layer.
    """
    last: Tensor | None = None
    for module in network.modules():
        weight = getattr(module, "weight", None)
        if isinstance(module, nn.Linear | nn.Conv2d) and isinstance(weight, Tensor):
            flat = weight.detach().flatten(1)
            if len(flat) == classes and flat[0].numel() == weight.shape[1]:
                last = flat.float()
    if last is None or classes < 2:
        return None
    weights: Tensor = (last - last.mean()) / last.std().clamp(min=1e-12)
    return weights if torch.isfinite(weights).all() else None
