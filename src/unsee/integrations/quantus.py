"""Methods of unsee as an `explain_func` of Quantus."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from unsee.classifiers.classifier import Classifier
from unsee.classifiers.normalisation import ASSUMED_MEAN, ASSUMED_STD
from unsee.explaining import explain
from unsee.integrations.captum import undo_normalisation
from unsee.study import DEFAULT_METHOD

NOISE_TOLERANCE = 0.25
"""Tolerance by which a pixel may exceed [0, 1], for the noise of Quantus' robustness metrics."""


def explain_func(
    model: nn.Module,
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    *,
    method: Any = DEFAULT_METHOD,
    mean: tuple[float, ...] = ASSUMED_MEAN,
    std: tuple[float, ...] = ASSUMED_STD,
    device: str | None = None,
    **options: Any,
) -> NDArray[np.float32]:
    """Return maps (b, 1, h, w) of normalised inputs (b, c, h, w).

        from unsee.integrations.quantus import explain_func
        options = {"method": "tide", "budget": "fast"}
        metric(model, x, y, explain_func=explain_func, explain_func_kwargs=options)

    Args:
        model: Network in evaluation mode.
        inputs: Normalised images.
        targets: Class of each image.
        method: Method, or its name.
        mean: Mean of each channel in the normalisation of the inputs; default: ImageNet's.
        std: Standard deviation of each channel, likewise.
        device: Device of the images; default: that of the network.
        **options: Further arguments of `unsee.explain`: infiller, measure, seed, budget.

    Raises:
        InputError: If undoing the normalisation does not bring the inputs to [0, 1], and as
            `unsee.explain`.
    """
    classifier = Classifier(model, mean=mean, std=std)
    x = torch.as_tensor(np.asarray(inputs), dtype=torch.float32)
    images = undo_normalisation(classifier, x, NOISE_TOLERANCE).to(device or classifier.device)
    explanation = explain(classifier, images, method, targets=np.asarray(targets), **options)
    maps: NDArray[np.float32] = explanation.saliency[:, None].cpu().numpy()
    return maps
