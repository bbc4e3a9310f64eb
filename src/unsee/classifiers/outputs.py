"""Kinds of classifier output: what the numbers mean, and the probabilities that they stand for."""

from enum import StrEnum
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.classifiers.measures import (
    Logits,
    Measure,
    first_answer,
    is_positive,
    log_odds,
    logit,
    margin,
    probability,
    sigmoid_probability,
)
from unsee.errors import InputError, unknown

SUM_TOLERANCE = 1e-2
"""Largest accepted difference of the sum of a row of probabilities from 1."""
SMALLEST_PROBABILITY = 1e-12
"""Probabilities are raised to this value, so that their logarithm is finite."""

OutputsName = Literal[
    "auto", "logits", "softmax", "sigmoid", "binary", "probabilities", "sigmoid_probabilities",
    "regression",
]  # fmt: skip
"""Name of a kind in settings. `auto` determines the kind at the first pass; `logits` is `binary`
for one number per image, and otherwise `softmax`."""
Request = Literal["auto", "logits"]


class Outputs(StrEnum):
    """Kind of the numbers (n, columns) that a model returns.

    `logits` converts them to the form that all measures and metrics take: columns whose softmax
    are the probabilities of classes; whose sigmoids are the probabilities of labels
    (`is_multilabel`); or values without probabilities (`REGRESSION`).
    """

    SOFTMAX = "softmax"
    """Logits of classes that exclude each other."""
    SIGMOID = "sigmoid"
    """Logits of labels, any number of which may hold."""
    BINARY = "binary"
    """A single logit z: class 1 has the probability sigmoid(z), class 0 the rest."""
    PROBABILITIES = "probabilities"
    """Probabilities of classes, which sum to 1; a single column is that of class 1 of two."""
    SIGMOID_PROBABILITIES = "sigmoid_probabilities"
    """Probabilities of labels, each in [0, 1]."""
    REGRESSION = "regression"
    """Quantities, which have no probabilities."""

    @property
    def is_multilabel(self) -> bool:
        """Whether each column has a probability of its own, the sigmoid of its logit."""
        return self in {Outputs.SIGMOID, Outputs.SIGMOID_PROBABILITIES}

    def logits(self, numbers: Float[Tensor, "n columns"]) -> Logits:
        """Return a model's numbers in the form that measures take.

        Raises:
            InputError: They are not probabilities, where these are expected.
        """
        if self is Outputs.BINARY:
            return torch.cat([torch.zeros_like(numbers), numbers], 1)
        if self is Outputs.PROBABILITIES:
            if numbers.shape[1] == 1:
                _check_shares(numbers)
                numbers = torch.cat([1 - numbers, numbers], 1)
            _check_sums(numbers)
            return numbers.clamp(min=SMALLEST_PROBABILITY).log()
        if self is Outputs.SIGMOID_PROBABILITIES:
            _check_shares(numbers)
            p, rest = (x.clamp(min=SMALLEST_PROBABILITY) for x in (numbers, 1 - numbers))
            return p.log() - rest.log()
        return numbers

    def classes(self, columns: int) -> int:
        """Return the number of classes for a number of columns; a single logit has two."""
        is_single = columns == 1 and self in {Outputs.BINARY, Outputs.PROBABILITIES}
        return 2 if is_single else columns

    def probabilities(self, logits: Logits) -> Float[Tensor, "n classes"]:
        """Return the probabilities of all classes, or of all labels.

        Raises:
            InputError: The model is a regression.
        """
        if self is Outputs.REGRESSION:
            raise _no_probability("probabilities")
        return logits.sigmoid() if self.is_multilabel else logits.softmax(1)

    def measure(self, measure: Measure) -> Measure:
        """Return what a measure, written for softmax, is for outputs of this kind.

        Raises:
            InputError: The measure is undefined for a regression.
        """
        if self is Outputs.REGRESSION:
            for needs_probability in NEED_PROBABILITY:
                if measure is needs_probability:
                    raise _no_probability(f"the measure {measure.__name__}")
        if self is Outputs.BINARY and measure is logit:  # the logit of class 0 is a constant
            return log_odds
        if self.is_multilabel:
            return next((of_labels for m, of_labels in OF_LABELS if m is measure), measure)
        return measure

    def require_probability(self, purpose: str) -> None:
        """Raise `InputError` for a regression; the message names `purpose`."""
        if self is Outputs.REGRESSION:
            raise _no_probability(purpose)

    def require_one_answer(self, purpose: str) -> None:
        """Raise `InputError`, naming `purpose`, for all but classes that exclude each other."""
        self.require_probability(purpose)
        if self.is_multilabel:
            raise InputError(
                f"{purpose} needs classes of which one is the answer, but this classifier has "
                f"outputs={self}"
            )


OF_PROBLEM: dict[str, Outputs] = {
    "single_label_classification": Outputs.SOFTMAX,
    "multi_label_classification": Outputs.SIGMOID,
    "regression": Outputs.REGRESSION,
}
"""Kinds of outputs by the `problem_type` of a configuration of transformers."""
OF_LABELS: tuple[tuple[Measure, Measure], ...] = (
    (probability, sigmoid_probability),
    (log_odds, logit),
    (first_answer, is_positive),
)
"""Measures of labels in place of those of classes; others are the same for both."""
NEED_PROBABILITY: tuple[Measure, ...] = (probability, log_odds, margin, first_answer)
"""Measures that a regression does not have."""


def _no_probability(purpose: str) -> InputError:
    return InputError(
        f"{purpose} needs a probability, and a regression (outputs=regression) has none; "
        "the measure logit is its value"
    )


def parse(name: object) -> Outputs | Request:
    """Return the kind that a name stands for, or a request to determine it at the first pass."""
    if name not in get_args(OutputsName):
        raise unknown("kind of outputs", str(name), get_args(OutputsName))
    return name if name in get_args(Request) else Outputs(str(name))  # type: ignore[return-value]


def stated(model: object) -> Outputs | None:
    """Return the kind that the configuration of a model of transformers states; None for none."""
    problem = getattr(getattr(model, "config", None), "problem_type", None)
    return OF_PROBLEM.get(problem) if isinstance(problem, str) else None


def fitted(kind: Outputs, columns: int) -> Outputs:
    """Return a kind that the user states, for a number of columns.

    Raises:
        InputError: The kind does not have this number of columns.
    """
    if kind is Outputs.BINARY and columns != 1:
        raise InputError(
            f"outputs=binary is a single logit for each image, got {columns} numbers; set "
            "outputs=softmax (classes) or outputs=sigmoid (labels)"
        )
    if kind is Outputs.SOFTMAX and columns == 1:
        raise InputError(
            "the softmax of one number is always 1; set outputs=binary (a logit), "
            "outputs=probabilities or outputs=regression"
        )
    single = {
        Outputs.SIGMOID: Outputs.BINARY,
        Outputs.SIGMOID_PROBABILITIES: Outputs.PROBABILITIES,
    }
    return single.get(kind, kind) if columns == 1 else kind


def _check_shares(numbers: Tensor) -> None:
    if ((numbers < 0) | (numbers > 1 + SUM_TOLERANCE)).any():  # NaN is reported with its image
        raise InputError(
            "expected probabilities from the model (each in [0, 1]), got "
            f"{numbers.min().item():.3g} to {numbers.max().item():.3g}; if it returns logits, "
            "set outputs=logits, or outputs=sigmoid for labels"
        )


def _check_sums(numbers: Tensor) -> None:
    if (numbers < 0).any() | ((numbers.sum(1) - 1).abs() >= SUM_TOLERANCE).any():
        raise InputError(
            "expected probabilities from the model (each >= 0, the sum of each row 1); if it "
            "returns logits, set outputs=logits; for labels outputs=sigmoid_probabilities"
        )
