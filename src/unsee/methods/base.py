"""Base classes of methods and of mask optimisers."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from itertools import islice
from typing import (
    Any,
    ClassVar,
    NamedTuple,
    final,
)

from torch import nn

from unsee.classifiers.checks import check_mode
from unsee.classifiers.measures import name_of
from unsee.errors import InputError, missing_package
from unsee.masking.minimise import EarlyStopping, minimise
from unsee.masking.optimizers import Optimizer
from unsee.masking.score import MaskedScore
from unsee.methods._cells import with_cells
from unsee.methods._checks import check_choices
from unsee.methods._defaults import reduced
from unsee.methods._ranking_network import initial_ranking
from unsee.methods._warm_start import Initializer, remove_top
from unsee.process.libraries import import_libraries
from unsee.registry import check_settings
from unsee.types import Losses, Saliency, Size, Theta

EARLY_STOPPING_WINDOWS = 15
"""Number of windows that the steps are divided into to detect a plateau of the loss."""


class Progress(NamedTuple):
    """Progress of a method after one round."""

    done: int
    """Number of finished units of work: steps, samples, rows or images."""
    total: int
    """Number of units of work in the whole run."""
    saliency: Callable[[], Saliency]
    """Compute the maps (b, h, w) of the rounds so far."""
    losses: Losses | None = None
    """Loss of each image in the last step; None if the method minimises no loss."""


@dataclass(frozen=True)
class Traits:
    """Requirements of a method, and its default measure and in-filler."""

    measure: str = "probability"
    """Score that the method explains unless another is requested."""
    infiller: tuple[str, dict[str, float]] = ("grey", {})
    """Name and settings of the in-filler that the method uses unless another is requested."""
    needs_gradient: bool = False
    """Whether the classifier must be differentiable; False if a black box suffices."""
    needs_module: bool = False
    """Whether the classifier must be a torch module, because hooks are put into it."""
    requires: str | None = None
    """Importable name of a package of the extra `baselines` that must be installed."""
    needs_weights: bool = False
    """Whether the method is a trained network, which needs its weights."""
    allows_half_precision: bool = False
    """Whether the classifier may run in half precision. True for maps that average many scores, so
    that rounding hardly changes the ranking of pixels."""
    uses_classifier: bool = True
    """Whether the map depends on the classifier; False for controls."""
    cells: tuple[str, ...] = ()
    """Settings of the cells of the masks, in place of which segments of the photo may be taken;
    empty if the method has no cells."""
    may_be_empty: bool = False
    """Whether a map of zeros is a result: negative evidence is cut off, and there is no other."""


class Method(ABC):
    """Rate the importance of each pixel for a classifier's score.

    A method is a final subclass: a frozen dataclass of hyper-parameters, one in each file.
    """

    libraries: ClassVar[tuple[str, ...]] = ()
    """Modules that are imported on first use; `import_libraries` imports them before timing."""

    traits: ClassVar[Traits] = Traits()
    """Requirements of the method, and its default measure and in-filler."""

    @property
    def caption(self) -> tuple[str, str, str]:
        """Title of the map, and the labels of its lowest and its highest values."""
        return "Importance for the class", "unimportant", "decisive"

    @property
    def shows_evidence(self) -> bool:
        """Whether the map ranks pixels by their importance for the class."""
        return True

    @abstractmethod
    def iterate(self, score: MaskedScore) -> Iterator[Progress]:
        """Rate every pixel of `score.images`; yield after each round."""

    def with_budget(self, passes: int, size: Size) -> "Method":
        """Return this method with settings that cost at most `passes` passes for each image.

        A method of fixed cost, such as a gradient, is returned unchanged.

        Args:
            passes: number of passes through the classifier, forward or forward and backward.
            size: height and width of the images in pixels.
        """
        return self

    def measure_weights(self, score: MaskedScore) -> list[dict[str, float]]:
        """Return how much each measure counts in the map of each image; the weights sum to 1."""
        return [{name_of(score.measure): 1.0} for _ in score.images]

    @final
    def check(self) -> None:
        """Raise `InputError` for an invalid setting or a package that is missing."""
        check_choices(self)
        check_settings(self)
        package = self.traits.requires
        if package and not find_spec(package):
            raise missing_package(package, type(self).__name__)

    def fitted(self, score: MaskedScore) -> "Method":
        """Return this method with defaults that suit the classifier and the size of its images.

        Default grids and patches that are too large for the image are reduced, see `reduced`. Where
        the score has segments, the grid is that of their slots. Other values that do not suit are
        refused when the method runs.

        Raises:
            InputError: The classifier cannot be explained by this method, or the method has no
                cells in place of which it could take segments.
        """
        self._check_classifier(score)
        if score.slots is not None:
            segmented: Method = with_cells(self, score.slots)
            return segmented
        smaller = reduced(self, min(score.images.shape[-2:]))
        method: Method = replace(self, **smaller) if smaller else self  # type: ignore[type-var]
        return method

    @final
    def _check_classifier(self, score: MaskedScore) -> None:
        """Raise `InputError` for training mode, and for gradients or layers that are missing."""
        check_mode(score.classifier.model)
        if self.traits.needs_module and not isinstance(score.classifier.model, nn.Module):
            raise InputError(f"{type(self).__name__} needs a torch module to put hooks into")
        if self.traits.needs_gradient:
            score.classifier.require_gradient(score.images, type(self).__name__)

    @final
    def run(self, score: MaskedScore) -> Iterator[Progress]:
        """Check the settings and the classifier, then yield the progress after each round."""
        self._check_classifier(score)
        self.check()
        import_libraries(self)
        yield from self.fitted(score).iterate(score)

    @final
    def attribute(self, score: MaskedScore) -> Saliency:
        """Return the maps (b, h, w) after the last round; higher is more important."""
        (last,) = deque(self.run(score), maxlen=1)
        return last.saliency()


@dataclass(frozen=True, kw_only=True)
class MaskOptimizer(Method):
    """A method that minimises a loss over parameters theta of masks, step by step.

    A subclass defines the start, the loss and the map that the parameters stand for.
    """

    traits = Traits(needs_gradient=True)

    steps: int
    """Number of optimisation steps."""
    tolerance: float | None = None
    """Stop an image once its loss falls, within a fifteenth of the steps, by less than this share
    of its fall since the start. None takes all steps."""
    warm_start: str | None = None
    """Weights of `unsee train distilled`, as a path or a name, whose ranking initialises the
    masks. None starts as published."""

    @property
    @abstractmethod
    def passes(self) -> int:
        """Number of passes, each with a gradient, of one step for one image."""

    def with_budget(self, passes: int, size: Size) -> "MaskOptimizer":
        """Return this method with as many steps as the passes pay for."""
        settings: dict[str, Any] = {"steps": max(1, passes // self.passes)}
        method: MaskOptimizer = replace(self, **settings)
        return method

    @property
    @abstractmethod
    def update_rule(self) -> Optimizer:
        """Optimiser that updates the parameters."""

    @property
    def initializer(self) -> Initializer:
        """Rule that turns a ranking into a warm start; by default masks remove its top cells."""
        return remove_top

    @abstractmethod
    def start(self, score: MaskedScore) -> Theta:
        """Return the published initial parameters."""

    @abstractmethod
    def loss(self, score: MaskedScore, step: int, theta: Theta) -> Losses:
        """Return the loss (b,) of each image.

        The loss is a pure function of its arguments: noise comes from `score.random` and `step`.
        """

    @abstractmethod
    def importance(self, score: MaskedScore, theta: Theta) -> Saliency:
        """Return the maps (b, h, w) that the parameters stand for, at the size of the images."""

    def project(self, theta: Theta) -> Theta:
        """Return the nearest valid parameters; by default values in [0, 1]."""
        return theta.clamp(0, 1)

    @final
    def begin(self, score: MaskedScore) -> Theta:
        """Return the initial parameters: the published ones, or those of the warm start."""
        theta = self.start(score)
        if self.warm_start is None:
            return theta
        ranking = initial_ranking(score, self.warm_start)
        if score.slots is not None:
            ranking = score.slots.means(score.to_pixels(ranking))
        return self.initializer(theta, ranking)

    @final
    def iterate(self, score: MaskedScore) -> Iterator[Progress]:
        """Minimise the loss; yield after each step."""
        window = max(2, self.steps // EARLY_STOPPING_WINDOWS)
        path = minimise(
            self.loss,
            score,
            self.begin(score),
            self.update_rule,
            self.project,
            early_stopping=None
            if self.tolerance is None
            else EarlyStopping(self.tolerance, window),
        )
        for step, theta, losses in islice(path, self.steps):
            saliency = _Importance(self, score, theta)
            yield Progress(step, self.steps, saliency, losses)
        if not self.steps:
            yield Progress(1, 1, _Importance(self, score, self.begin(score)))
        elif step < self.steps:  # every image has reached its plateau
            yield Progress(self.steps, self.steps, saliency, losses)


def fixed_maps(maps: Saliency) -> Callable[[], Saliency]:
    """Return a function that returns these maps, for `Progress`."""
    return lambda: maps


@dataclass(frozen=True, eq=False)
class _Importance:
    """The maps of an optimiser's parameters, computed on demand."""

    method: MaskOptimizer
    score: MaskedScore
    theta: Theta

    def __call__(self) -> Saliency:
        return self.method.importance(self.score, self.theta)
