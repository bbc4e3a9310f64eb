"""Recognise a classifier of the same name whose code or weights changed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from unsee.classifiers.classes import classes_of
from unsee.classifiers.classifier import Classifier
from unsee.classifiers.model_state import digest_of
from unsee.classifiers.outputs import Outputs
from unsee.classifiers.passes import Passes
from unsee.errors import InputError
from unsee.types import Images

CELLS = (1, 4, 16, 64)
"""Rows and columns of the colours of each picture."""
MAX_OUTPUTS = 250
"""Numbers that are kept of a picture, evenly spaced over the classes."""
ROUNDED, ROUNDED_ON_GPU, ROUNDED_HALF = 0.01, 0.05, 0.3
"""Shares of their scale by which other threads and devices may change outputs: in single precision
on a CPU, on a GPU, whose convolutions may round inputs to 10 bits, and in half precision. Rounding
to bfloat16 changes those of EfficientNet-Lite0 by 0.11."""
CONSTANT = 0.05
"""An output that the pictures change by less than this share of itself has a constant part, such as
-10000 for a class that is masked. It does not count for the scale."""

_CACHE: WeakKeyDictionary[Callable[..., Any], dict[tuple[Any, ...], "Answers"]] = (
    WeakKeyDictionary()
)
"""Answers of each network, by its values and the settings on which they depend."""


@dataclass(frozen=True)
class Answers:
    """What a classifier says about the fixed pictures, as it is stored beside what it trained."""

    size: tuple[int, int]
    """Height and width of the pictures."""
    outputs: tuple[float, ...]
    """The outputs, see `answers_of`; empty if there are none."""
    tolerance: float = 0.0
    """Share of their scale by which rounding may change the outputs."""

    @classmethod
    def of(cls, classifier: Classifier) -> "Answers":
        """Return the answers of a classifier, and count no pass.

        They are computed once for the same values of a network, which may be trained further or get
        other weights; those of a function are computed each time.
        """
        height, width = classifier.framing.size
        tolerance = tolerance_of(classifier)
        settings = (
            digest_of(classifier.model), height, width, classifier.mean, classifier.std,
            classifier.kind, tolerance,
        )  # fmt: skip
        is_network = isinstance(classifier.model, torch.nn.Module)
        made = _CACHE.setdefault(classifier.model, {}) if is_network else {}
        if settings not in made:
            quiet = replace(classifier, chunk=1, passes=Passes())
            with torch.random.fork_rng(devices=[]):
                made[settings] = cls((height, width), answers_of(quiet), tolerance)
        return made[settings]

    def are_of(self, classifier: Classifier) -> bool:
        """Return whether a classifier may have these answers; one of another size may."""
        if not self.outputs or self.size != tuple(classifier.framing.size):
            return True
        return not self.differ_from(Answers.of(classifier))

    def differ_from(self, other: "Answers") -> bool:
        """Return whether answers to pictures of the same size are those of two classifiers."""
        return differ(self.outputs, other.outputs, max(self.tolerance, other.tolerance))


def answers_of(classifier: Classifier) -> tuple[float, ...]:
    """Return what a classifier says about a few fixed pictures, if it always says the same.

    The pictures have random colours, from a single one to many of all contrasts. Each is passed
    alone, since quantised networks may depend on the batch; the last is passed twice.
    """
    if classes_of(classifier) is None:
        return ()
    pictures = _pictures(classifier)
    try:
        rows = np.array([_numbers(classifier, picture) for picture in (*pictures, pictures[-1])])
    except InputError:  # raised again for photos
        return ()
    rows = rows[:, :: -(-rows.shape[1] // MAX_OUTPUTS)]
    first, again = rows[:-1].flatten().tolist(), np.delete(rows, -2, axis=0).flatten().tolist()
    if differ(first, again, tolerance_of(classifier)):
        return ()
    return tuple(float(f"{number:.7g}") for number in first)


def _numbers(classifier: Classifier, picture: Images) -> list[float]:
    """Return logits, or probabilities where the model returns them: they may be rounded to 0."""
    logits = classifier.predict(picture)
    if classifier.kind in {Outputs.PROBABILITIES, Outputs.SIGMOID_PROBABILITIES}:
        logits = classifier.kind.probabilities(logits)
    numbers: list[float] = logits[0].tolist()
    return numbers


def tolerance_of(classifier: Classifier) -> float:
    """Return by which share of their scale the outputs of the same classifier may differ."""
    is_mixed = classifier.dtype == torch.float32 != classifier.precision
    if is_mixed or classifier.dtype in {torch.bfloat16, torch.float16}:
        return ROUNDED_HALF
    return ROUNDED if classifier.device.type == "cpu" else ROUNDED_ON_GPU


def differ(first: Sequence[float], second: Sequence[float], tolerance: float) -> bool:
    """Return whether answers are those of two classifiers; answers that lack are those of any."""
    if not first or not second:
        return False
    if len(first) != len(second) or len(first) % len(CELLS):
        return True
    a, b = (np.array(numbers).reshape(len(CELLS), -1) for numbers in (first, second))
    bound = tolerance * np.maximum(min(_scale(a), _scale(b)), np.maximum(abs(a), abs(b)))
    return bool((abs(a - b) > bound).any())


def _scale(answers: NDArray[np.float64]) -> float:
    """Return the magnitude of the outputs without constant parts."""
    change, magnitude = np.ptp(answers, axis=0), abs(answers).max(0)
    return float(np.where(change > CONSTANT * magnitude, magnitude, change).max())


def _pictures(classifier: Classifier) -> list[Images]:
    size, g = classifier.framing.size, np.random.default_rng(0)
    pictures = []
    for cells in CELLS:
        colours = torch.from_numpy(g.random((1, classifier.channels, cells, cells), np.float32))
        pictures.append(F.interpolate(colours, size, mode="nearest").to(classifier.device))
    return pictures
