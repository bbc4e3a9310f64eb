"""The checks of all metrics, on a metric of its own."""

from typing import ClassVar

import pytest
import torch

from unsee import InputError
from unsee.metrics.base import Metric, Truth


class NeedsMissingPackage(Metric):
    higher_is_better: ClassVar[bool] = True
    requires: ClassVar[str | None] = "no_such_package"

    def measure(self, score, saliency, context):
        return saliency.flatten(1).mean(1)


def test_missing_package_is_named_with_its_installation(score, noise) -> None:
    with pytest.raises(InputError, match="python -m pip install no_such_package"):
        NeedsMissingPackage().rate(score, noise)


def test_region_is_the_mask_or_the_boxes() -> None:
    boxes, mask = torch.ones(2, 4), torch.ones(3, 3, dtype=torch.bool)
    assert Truth(boxes).region is boxes
    assert Truth(boxes, mask).region is mask
    assert Truth().region.shape == (0, 4)
