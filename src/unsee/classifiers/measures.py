"""Measures: the number of a classifier's output that serves as the score.

A measure is a function (logits (n, classes), targets (n,)) -> (n,), differentiable in the logits.
It is written for classes that exclude each other, whose probabilities are a softmax;
`Outputs.measure` returns the measure for other kinds of output.
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
    """Return the softmax probability p of the target class."""
    return logits.softmax(1).gather(1, targets[:, None])[:, 0]


def log_odds(logits: Logits, targets: Int[Tensor, " n"]) -> Values:
    """Return log p - log(1 - p) of the target class; finite for finite logits."""
    return logit(logits, targets) - _without(logits, targets).logsumexp(1)


def logit(logits: Logits, targets: Int[Tensor, " n"]) -> Values:
    """Return the output for the target class before the softmax."""
    return logits.gather(1, targets[:, None])[:, 0]


def margin(logits: Logits, targets: Int[Tensor, " n"]) -> Values:
    """Return the target's logit minus the highest other logit; positive if the target is first."""
    return logit(logits, targets) - _without(logits, targets).amax(1)


def first_answer(logits: Logits, targets: Int[Tensor, " n"]) -> Values:
    """Return 1 where the target has the highest logit, otherwise 0; without gradient."""
    return (logits.argmax(1) == targets).to(logits)


def sigmoid_probability(logits: Logits, targets: Int[Tensor, " n"]) -> Values:
    """Return the probability of the target label, whose log-odds are its logit."""
    return logit(logits, targets).sigmoid()


def is_positive(logits: Logits, targets: Int[Tensor, " n"]) -> Values:
    """Return 1 where the target label is predicted, otherwise 0; without gradient."""
    return (logit(logits, targets) > 0).to(logits)


@dataclass(frozen=True)
class Against:
    """Measure: the target's logit minus the logit of one contrast class."""

    contrast: int | str
    """Contrast class by number, or by a name, for which `Study.of` puts the number."""

    def __call__(self, logits: Logits, targets: Int[Tensor, " n"]) -> Values:
        """Return the difference; positive if the target is ahead of the contrast."""
        return logit(logits, targets) - logits[:, self.index]

    def numbered(self, index: Callable[[str], int]) -> "Against":
        """Return the measure with the number of the contrast class; `index` knows the names."""
        return Against(index(self.contrast)) if isinstance(self.contrast, str) else self

    @property
    def index(self) -> int:
        """Number of the contrast class."""
        if not isinstance(self.contrast, int) or isinstance(self.contrast, bool):
            raise InputError(f"expected the contrast as a class number, got {self.contrast!r:.60}")
        return self.contrast

    def check(self, logits: Logits, targets: Int[Tensor, " n"]) -> None:
        """Raise `InputError` if the contrast is out of range or is the target itself."""
        index = self.index
        if not 0 <= index < logits.shape[1]:
            raise InputError(f"the contrast {index} is not in 0..{logits.shape[1] - 1}")
        if (targets == index).any():
            raise InputError(f"the contrast is the target, class {index}; name another class")

    @property
    def __name__(self) -> str:
        """Name of the measure in the provenance."""
        return f"margin over class {self.contrast}"


def _without(logits: Logits, targets: Int[Tensor, " n"]) -> Logits:
    """Return the logits with those of the targets set to minus infinity."""
    return logits.scatter(1, targets[:, None], -torch.inf)


MEASURES: dict[str, Measure] = {
    "probability": probability,
    "log_odds": log_odds,
    "logit": logit,
    "margin": margin,
}


def is_built_in(measure: Measure) -> bool:
    """Return whether a measure is one of this module, and not a function of a user."""
    built_in = (*MEASURES.values(), first_answer, sigmoid_probability, is_positive)
    return measure in built_in or isinstance(measure, Against)


def name_of(measure: Measure) -> str:
    """Return the name of a measure in the provenance."""
    return getattr(measure, "__name__", repr(measure))


def named(name: str) -> Measure:
    """Return the measure of this name; raise `InputError` if there is none."""
    if name not in MEASURES:
        raise unknown("measure", name, MEASURES)
    return MEASURES[name]
