"""What a method is."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from itertools import islice
from typing import (
    Any,
    ClassVar,
    Literal,
    NamedTuple,
    final,
    get_args,
    get_origin,
    get_type_hints,
)

from jaxtyping import Float
from torch import Tensor, nn

from unsee.errors import InputError, unknown
from unsee.masking import masks
from unsee.masking.minimise import EarlyStopping, minimise
from unsee.masking.optimizers import Optimizer
from unsee.masking.score import MaskedScore
from unsee.methods._landscape import Hills, landscape
from unsee.types import Losses, Saliency, Size, Theta

WARM = 0.2
"""Of the cells, what a mask that starts warm shows or removes."""
WINDOWS = 15
"""Into which the steps are cut to see whether a loss still falls."""


class Progress(NamedTuple):
    """How far a method has come."""

    done: int
    total: int
    saliency: Callable[[], Saliency]
    """The maps so far; computed when asked for."""
    losses: Losses | None = None
    """What is minimised, where something is."""


class Method(ABC):
    """Finds the pixels that matter. Final subclasses are frozen dataclasses of hyper-parameters."""

    measure: ClassVar[str] = "probability"
    """The score that the method was published with; any other can be chosen."""
    infiller: ClassVar[tuple[str, dict[str, float]]] = ("grey", {})
    """The in-filler that it was published with, and its settings; any other can be chosen."""
    needs_gradient: ClassVar[bool] = False
    """False where a black box will do."""
    needs_module: ClassVar[bool] = False
    """True where hooks are put into the network."""
    requires: ClassVar[str] = ""
    """A module of the extra `baselines` that must be installed."""
    learned: ClassVar[bool] = False
    """True where a network was trained: without its weights it finds nothing."""
    averages: ClassVar[bool] = False
    """True where a map is an average over so many scores that rounding is not seen in it: a
    classifier may be asked at its `averaging` precision."""
    looks: ClassVar[bool] = True
    """False for controls, which do not look at the classifier."""

    @property
    def shown(self) -> tuple[str, str, str]:
        """What a map of these settings is of, and the words for its lowest and highest values."""
        return "What the answer rests on", "no matter", "decisive"

    @abstractmethod
    def iterate(self, score: MaskedScore) -> Iterator[Progress]:
        """Rate every pixel of `score.images`, round by round."""

    def with_budget(self, passes: int, size: Size) -> "Method":
        """This method with settings that spend at most so many passes on a photo of this size.

        One whose cost is fixed (a gradient, a class activation map) is returned as it is.
        """
        return self

    @final
    def check(self) -> None:
        """Refuse settings that are no choice, and a package that is not installed."""
        check_choices(self)
        if self.requires and not find_spec(self.requires):
            raise InputError(
                f"{type(self).__name__} needs {self.requires}: python -m pip install "
                f"{self.requires.replace('pytorch_grad_cam', 'grad-cam')}"
            )

    @final
    def run(self, score: MaskedScore) -> Iterator[Progress]:
        """All rounds one by one: to watch, to stop, to animate. Checks the classifier first."""
        if self.needs_gradient and not score.classifier.differentiable:
            raise InputError(
                f"{type(self).__name__} needs gradients and this classifier has none (a black "
                "box); rise and sliding_patch need none"
            )
        self.check()
        if self.needs_module and not isinstance(score.classifier.model, nn.Module):
            raise InputError(f"{type(self).__name__} needs a torch module to put hooks into")
        yield from self.iterate(score)

    @final
    def attribute(self, score: MaskedScore) -> Saliency:
        """The maps (b, h, w) after the last round; higher is more important."""
        (last,) = deque(self.run(score), maxlen=1)
        return last.saliency()


@dataclass(frozen=True, kw_only=True)
class MaskOptimizer(Method):
    """A method that improves masks step by step. A subclass is a start, a loss and a reading."""

    needs_gradient: ClassVar[bool] = True

    steps: int
    """Optimisation steps."""
    tolerance: float = 0.0
    """A photo is done when its loss falls by less than this share of its whole fall within a
    fifteenth of the steps; 0 takes all steps."""
    warm_start: str = ""
    """Weights of `unsee train distilled`, a path or a name: begin where that network would look."""

    @property
    @abstractmethod
    def passes(self) -> int:
        """Of one step for one photo, all with gradient."""

    def with_budget(self, passes: int, size: Size) -> "MaskOptimizer":
        """As many steps as the passes pay for; a rate that fades falls over those steps."""
        settings: dict[str, Any] = {"steps": max(1, passes // self.passes)}
        found: MaskOptimizer = replace(self, **settings)
        return found

    @property
    @abstractmethod
    def update_rule(self) -> Optimizer:
        """How the parameters move."""

    @abstractmethod
    def start(self, score: MaskedScore) -> Theta:
        """Parameters before the first step."""

    @abstractmethod
    def warm(self, theta: Theta, hills: Hills) -> Theta:
        """The start, moved to where a trained landscape is high."""

    @abstractmethod
    def loss(self, score: MaskedScore, step: int, theta: Theta) -> Losses:
        """What is minimised, one number per image; pure, with noise from `score.random`."""

    @abstractmethod
    def importance(self, score: MaskedScore, theta: Theta) -> Saliency:
        """The maps that the parameters stand for, at the size of the images."""

    def project(self, theta: Theta) -> Theta:
        """Bring parameters back to where they are allowed."""
        return theta.clamp(0, 1)

    @final
    def begin(self, score: MaskedScore) -> Theta:
        """The start, or a warm one."""
        theta = self.start(score)
        if not self.warm_start:
            return theta
        return self.warm(theta, landscape(score, self.warm_start, "warm_start=PATH")[:, None])

    @final
    def iterate(self, score: MaskedScore) -> Iterator[Progress]:
        """One round is one step of the optimiser."""
        early_stopping = (
            EarlyStopping(self.tolerance, max(2, self.steps // WINDOWS)) if self.tolerance else None
        )
        path = minimise(
            self.loss,
            score,
            self.begin(score),
            self.update_rule,
            self.project,
            early_stopping=early_stopping,
        )
        for step, theta, losses in islice(path, self.steps):
            reading = _Reading(self, score, theta)
            yield Progress(step, self.steps, reading, losses)
        if step < self.steps:  # all photos have settled
            yield Progress(self.steps, self.steps, reading, losses)


def top_of(hills: Hills, size: Sequence[int], share: float = WARM) -> Float[Tensor, "b 1 1 _h _w"]:
    """How much each cell is of the highest share of a landscape, in (0, 1), at another size."""
    flat = masks.resize(hills, size).flatten(2)
    count = flat.new_full(flat.shape[:2], share * flat.shape[2])
    return masks.soft_top_k(flat, count).unflatten(2, (1, *size))


def drawn(saliency: Saliency) -> Callable[[], Saliency]:
    """A map that is there already, for `Progress`."""
    return lambda: saliency


@dataclass(frozen=True, eq=False)
class _Reading:
    """A map that is drawn when somebody looks."""

    method: MaskOptimizer
    score: MaskedScore
    theta: Theta

    def __call__(self) -> Saliency:
        return self.method.importance(self.score, self.theta)


def check_grid(method: str, cells: int, score: MaskedScore) -> None:
    """Refuse a mask with more cells than the image has pixels."""
    side = min(score.images.shape[-2:])
    if not 1 <= cells <= side:
        raise InputError(f"{method}: expected a grid of 1 to {side} cells a side, got {cells}")


def check_choices(part: Any) -> None:
    """Refuse a word that is none of those that a setting knows."""
    for name, hint in get_type_hints(type(part)).items():
        known = next((one for one in (hint, *get_args(hint)) if get_origin(one) is Literal), None)
        value = getattr(part, name, None)
        if known is not None and value not in (*get_args(known), *([None] * (known is not hint))):
            raise unknown(f"{name} of {type(part).__name__}", str(value), get_args(known))


def check_not_negative(method: str, **settings: float) -> None:
    """Refuse settings that must not be below zero and are."""
    for name, value in settings.items():
        if not value >= 0:
            raise InputError(f"{method}: expected {name} >= 0, got {value}")


def check_positive(method: str, **settings: float) -> None:
    """Refuse settings that must be above zero and are not."""
    for name, value in settings.items():
        if not value > 0:
            raise InputError(f"{method}: expected {name} > 0, got {value}")
