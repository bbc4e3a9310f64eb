"""For users of Quantus: our methods as its `explain_func`."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from unsee.classifiers.classifier import IMAGENET_MEAN, IMAGENET_STD
from unsee.integrations.captum import Attribution
from unsee.study import DEFAULT_METHOD, explain

NOISE = 0.25
"""How far the noise that Quantus' robustness metrics add may carry pixels beyond [0, 1]."""


def explain_func(
    model: nn.Module,
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    *,
    method: Any = DEFAULT_METHOD,
    mean: tuple[float, ...] = IMAGENET_MEAN,
    std: tuple[float, ...] = IMAGENET_STD,
    device: str | None = None,
    **asked: Any,
) -> NDArray[np.float32]:
    """Maps (b, 1, h, w) of normalised inputs (b, c, h, w), as Quantus wants them.

        metric(model, x, y, explain_func=unsee.quantus.explain_func,
               explain_func_kwargs={"method": "tide", "budget": "fast"})

    `mean` and `std` are those that the inputs were normalised with; `asked` goes to
    `unsee.explain`: infiller, measure, seed, budget. Raises `InputError` as that does.
    """
    attribution = Attribution(model, mean=mean, std=std)
    x = torch.as_tensor(np.asarray(inputs), dtype=torch.float32)
    pixels = attribution.pixels(x, slack=NOISE).to(device or attribution.classifier.device)
    targets = np.asarray(targets)
    found = explain(attribution.classifier, pixels, method, targets=targets, **asked)
    maps: NDArray[np.float32] = found.saliency[:, None].cpu().numpy()
    return maps
