"""Share the integration path of I-GOS and iGOS++: masks scaled by t, under noise."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, Literal, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.errors import InputError
from unsee.infillers.base import RowIndex
from unsee.masking.optimizers import Adam, LineSearch, Momentum, Nesterov, Optimizer
from unsee.masking.score import MaskedScore, View
from unsee.methods.base import MaskOptimizer
from unsee.registry import name_of
from unsee.types import Variants

M = TypeVar("M", bound=MaskOptimizer)
Points = Literal["fixed", "drawn"]
"""Whether the points of the path are t = s / count, or one is drawn from each such interval."""
OptimizerName = Literal["line_search", "descent", "nesterov", "adam"]
"""Name of the optimiser of a mask."""

DEFAULT_RATES: dict[OptimizerName, float] = {
    "line_search": 1000.0, "descent": 5.0, "nesterov": 1.0, "adam": 0.1,
}  # fmt: skip
"""Rate of each optimiser unless one is set: the published first step of the line search; for
descent, one within the steps that line searches of iGOS++ accept (1.6 to 8 on three photos); for
nesterov, 1 gives equal results (benchmarks/results/reference.md); for adam, that of MP."""


def within(method: M, passes: int, **cheaper: Any) -> M:
    """Return a method with cheaper settings and as many steps as the passes pay for.

    Args:
        method: I-GOS or iGOS++. A setting that equals its default counts as not set.
        passes: Number of passes for each image.
        cheaper: Settings that replace those that are not set. The others are kept.

    Raises:
        InputError: The line search is replaced, although one of its settings is set.
    """
    defaults = {field.name: field.default for field in fields(method)}
    is_set = {name for name, value in defaults.items() if getattr(method, name) != value}
    if "optimizer" not in is_set and (lost := sorted({"rate", "regrow"} & is_set)):
        settings = ", ".join(f"{name}={getattr(method, name)}" for name in lost)
        raise InputError(
            f"{name_of(method)}: a budget replaces the line search, for which {settings} is set; "
            "omit one of both"
        )
    changes = {name: value for name, value in cheaper.items() if name not in is_set}
    cheap = replace(method, **changes)
    return replace(cheap, steps=max(1, passes // cheap.passes))


def optimizer_named(
    name: OptimizerName, rate: float | None, regrow: float, together: int
) -> Optimizer:
    """Return the optimiser of this name; `rate=None` takes its default rate."""
    rate = DEFAULT_RATES[name] if rate is None else rate
    if name == "line_search":
        return LineSearch(first=rate, grow=regrow, width=together)
    if name == "descent":
        return Momentum(rate, momentum=0.0)
    return Nesterov(rate) if name == "nesterov" else Adam(rate)


def points(score: MaskedScore, step: int, count: int, kind: Points) -> Float[Tensor, "b n 1 1 1"]:
    """Return the points t of each image: s / count for s = 1 ... count, or one of each interval."""
    intervals = torch.arange(count).to(score.images).expand(len(score.images), -1)
    offset = score.random.uniform(step, count, stream="path") if kind == "drawn" else 1
    return ((intervals + offset) / count)[..., None, None, None]


def noisy(
    score: MaskedScore, step: int, count: int, deviation: float,
    terms: Sequence[int] | None = None,
) -> View | None:  # fmt: skip
    """Return a view that adds Gaussian noise to each of the `count` points of the path.

    All terms of a loss, and all evaluations within a step, share one draw, so that a line search
    compares losses under equal noise.

    Args:
        score: Score of the images.
        step: Number of the step.
        count: Number of points of the path. Variants are the terms of a loss, `count` each.
        deviation: Standard deviation, in units of that of the data; None is returned for 0.
        terms: Numbers of the terms that have noise; None for all.
    """
    if not deviation:
        return None
    unit = score.images.new_tensor(score.classifier.data_std).view(-1, 1, 1)

    def view(variants: Variants, rows: RowIndex) -> Variants:
        noise = score.random.normal(step, count, *score.images.shape[1:])
        added = deviation * unit * noise[rows.image, rows.variant % count]
        if terms is not None:
            has_noise = torch.isin(rows.variant // count, rows.variant.new_tensor(terms))
            added = added * has_noise.view(-1, 1, 1, 1)
        return variants + added

    return view
