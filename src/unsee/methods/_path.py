"""The integration path of I-GOS and iGOS++: masks scaled by t, seen through noise."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.infillers.base import RowIndex
from unsee.masking.optimizers import Adam, LineSearch, Nesterov, Optimizer
from unsee.masking.score import MaskedScore, View
from unsee.types import Variants

Points = Literal["fixed", "drawn"]
FEW = 3
"""Points of the path under a budget, where they are drawn."""

RATES = {"line_search": 1000.0, "nesterov": 1.0, "adam": 0.1}
"""Published first step of the line search; a fixed 1 does as well with nesterov
(benchmarks/results/reference.md); adam has MP's."""


def optimizer_named(name: str, rate: float, regrow: float, together: int) -> Optimizer:
    """The update of this name; a rate of 0 chooses its own."""
    rate = rate or RATES[name]
    if name == "line_search":
        return LineSearch(first=rate, grow=regrow, width=together)
    return Nesterov(rate) if name == "nesterov" else Adam(rate)


def points(score: MaskedScore, step: int, count: int, kind: Points) -> Float[Tensor, "b n 1 1 1"]:
    """The t of each image: s / count for s from 1 to count, or one drawn from each such part."""
    parts = torch.arange(count).to(score.images).expand(len(score.images), -1)
    within = score.random.uniform(step, count, stream="path") if kind == "drawn" else 1
    return ((parts + within) / count)[..., None, None, None]


def noisy(score: MaskedScore, step: int, count: int, deviation: float) -> View | None:
    """A view that adds the same noise to the same point of the path in all terms of a loss.

    One draw serves all that is compared within a step: a line search cannot fail by bad luck.
    """
    if not deviation:
        return None
    unit = score.images.new_tensor(score.classifier.data_std).view(-1, 1, 1)

    def view(variants: Variants, rows: RowIndex) -> Variants:
        noise = score.random.normal(step, count, *score.images.shape[1:])
        return variants + deviation * unit * noise[rows.image, rows.variant % count]

    return view
