"""Which number of a classifier's output is the score.

A measure is any function (logits (n, classes), targets (n,)) -> (n,), differentiable in the logits.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from unsee.errors import InputError, unknown

Logits = Float[Tensor, "n classes"]
Values = Float[Tensor, " n"]
Measure = Callable[[Logits, Int[Tensor, " n"]], Values]


def probability(logits: Logits, targets: Int[Tensor, " n"]) -> Values:
    """Softmax probability of the target class."""
    return logits.softmax(1).gather(1, targets[:, None])[:, 0]


def log_odds(logits: Logits, targets: Int[Tensor, " n"]) -> Values:
    """Log p - log(1 - p) of the target class; never infinite while the logits are finite."""
    return logit(logits, targets) - _others(logits, targets).logsumexp(1)


def logit(logits: Logits, targets: Int[Tensor, " n"]) -> Values:
    """The target class's output before the softmax."""
    return logits.gather(1, targets[:, None])[:, 0]


def margin(logits: Logits, targets: Int[Tensor, " n"]) -> Values:
    """The target's logit less the best other one: positive as long as the target wins."""
    return logit(logits, targets) - _others(logits, targets).amax(1)


def first_answer(logits: Logits, targets: Int[Tensor, " n"]) -> Values:
    """1 where the target is the first answer, for metrics; it has no gradient."""
    return (logits.argmax(1) == targets).to(logits)


@dataclass(frozen=True)
class Against:
    """The target's logit less that of one contrast: "why this and not that"."""

    contrast: int
    """The index of the other class."""

    def __call__(self, logits: Logits, targets: Int[Tensor, " n"]) -> Values:
        """Positive as long as the target is ahead of the contrast."""
        return logit(logits, targets) - logits[:, self.contrast]

    def check(self, logits: Logits, targets: Int[Tensor, " n"]) -> None:
        """Raise `InputError` for a contrast that is no class, or the target itself."""
        if not 0 <= self.contrast < logits.shape[1]:
            raise InputError(f"the contrast {self.contrast} is not in 0..{logits.shape[1] - 1}")
        if (targets == self.contrast).any():
            raise InputError(
                f"the contrast is the target, class {self.contrast}; name another class"
            )

    @property
    def __name__(self) -> str:
        """For provenance."""
        return f"margin over class {self.contrast}"


def _others(logits: Logits, targets: Int[Tensor, " n"]) -> Logits:
    return logits.scatter(1, targets[:, None], -torch.inf)


MEASURES: dict[str, Measure] = {
    "probability": probability,
    "log_odds": log_odds,
    "logit": logit,
    "margin": margin,
}


def named(name: str) -> Measure:
    """The measure of this name."""
    if name not in MEASURES:
        raise unknown("measure", name, MEASURES)
    return MEASURES[name]
