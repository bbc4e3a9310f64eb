"""A classifier's last layer: what it knows of each class."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


def rows_of(network: nn.Module, classes: int) -> Float[Tensor, "{classes} _d"] | None:
    """One row for each class, from the last linear layer or 1 x 1 convolution that has as many.

    Scaled to mean 0 and deviation 1 over all of them. None where there is no such layer.
    """
    found: Tensor | None = None
    for module in network.modules():
        weight = getattr(module, "weight", None)
        if isinstance(module, nn.Linear | nn.Conv2d) and isinstance(weight, Tensor):
            flat = weight.detach().flatten(1)
            if len(flat) == classes and flat[0].numel() == weight.shape[1]:
                found = flat.float()
    if found is None or classes < 2:
        return None
    rows: Tensor = (found - found.mean()) / found.std().clamp(min=1e-12)
    return rows if torch.isfinite(rows).all() else None
