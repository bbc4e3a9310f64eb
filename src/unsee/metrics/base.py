"""The interface of all metrics, and the further inputs that they may use."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import ClassVar, final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from unsee.classifiers.classifier import Classifier
from unsee.errors import InputError, missing_package
from unsee.masking.score import MaskedScore
from unsee.methods.base import Method
from unsee.metrics._references import check_same_classes
from unsee.registry import check_settings, name_of
from unsee.saliency import SaliencyLike, as_saliency
from unsee.types import Saliency


@dataclass(frozen=True, eq=False)
class Truth:
    """Labelled location of the objects of one image, in pixels of the classifier's input.

    `Truth()` is an image without a label.
    """

    boxes: Float[Tensor, "n 4"] = field(default_factory=lambda: torch.zeros(0, 4))
    """Corners x1, y1, x2, y2 of the box of each object."""
    mask: Bool[Tensor, "h w"] | None = None
    """Pixels of the objects; None if only boxes are labelled."""

    @property
    def region(self) -> Bool[Tensor, "h w"] | Float[Tensor, "n 4"]:
        """The mask, or the boxes if there is no mask."""
        return self.boxes if self.mask is None else self.mask


@dataclass(frozen=True, eq=False)
class Context:
    """Further inputs of a metric: labels, the method and other classifiers."""

    truths: Sequence[Truth] = ()
    """Labels of the images, one for each; empty if there are none."""
    method: Method | None = None
    """Method that made the maps, for metrics that compute further maps."""
    reference_classifiers: Sequence[Classifier] = ()
    """Other classifiers of the same classes."""

    def attribute(self, score: MaskedScore) -> Saliency:
        """Compute the method's maps for another score: other images, or another classifier."""
        assert self.method is not None
        with torch.enable_grad():
            return self.method.attribute(score).detach()


class Metric(ABC):
    """Rate saliency maps by one number per image. Final subclasses are frozen dataclasses.

    A metric whose value depends on the maps and the labels alone is also a function of arrays in
    the same file: `unsee.metrics.gini.gini(maps)`.
    """

    libraries: ClassVar[tuple[str, ...]] = ()
    """Modules that are imported on first use; `import_libraries` imports them before timing."""

    higher_is_better: ClassVar[bool]
    """Whether a higher value is better."""
    needs_truth: ClassVar[bool] = False
    """Whether it needs the labelled objects."""
    needs_method: ClassVar[bool] = False
    """Whether it needs the method, of which it computes further maps."""
    needs_reference_classifiers: ClassVar[bool] = False
    """Whether it needs other classifiers of the same classes."""
    needs_network: ClassVar[bool] = False
    """Whether it needs the layers of the classifier, which a black box does not have."""
    needs_probability: ClassVar[bool] = False
    """Whether it needs probabilities, which a regression does not have."""
    ranks_maps: ClassVar[bool] = True
    """Whether a better value means a better map. False for descriptive statistics."""
    has_ties: ClassVar[bool] = False
    """Whether different maps often have the same value, as with a hit or a miss."""
    requires: ClassVar[str | None] = None
    """Optional package that must be installed; None if there is none."""
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    """Lowest and highest possible value."""

    @final
    def check(self) -> None:
        """Check the settings, and that the required package is installed.

        Raises:
            InputError: A setting is invalid, or the package is missing.
        """
        check_settings(self)
        if self.requires and not find_spec(self.requires):
            raise missing_package(self.requires, type(self).__name__)

    @final
    def check_classifier(self, classifier: Classifier) -> None:
        """Raise `InputError` for a classifier without the layers or probabilities it needs."""
        name = f"the metric {name_of(self)}"
        if self.needs_network:
            classifier.require_network(name)
        if self.needs_probability:
            classifier.kind.require_probability(name)

    def check_method(self, method: Method) -> None:  # noqa: B027  a metric may have no condition
        """Raise `InputError` for a method that this metric cannot rate; by default for none."""

    @property
    def least_reference_classifiers(self) -> int:
        """Number of other classifiers without which there is no value."""
        return int(self.needs_reference_classifiers)

    @final
    def check_reference_classifiers(self, count: int) -> None:
        """Raise `InputError` if the metric needs more reference classifiers than there are."""
        if count < (least := self.least_reference_classifiers):
            raise InputError(
                f"{type(self).__name__} needs other classifiers: expected "
                f"`reference_classifiers`, {least} or more, got {count}"
            )

    @final
    def rate(
        self,
        score: MaskedScore,
        saliency: SaliencyLike,
        truths: Sequence[Truth] = (),
        method: Method | None = None,
        reference_classifiers: Sequence[Classifier] = (),
    ) -> Float[Tensor, " b"]:
        """Return one number per image, without averaging.

        NaN marks an image that has no value: the label that the metric needs is missing, or a
        denominator is zero (see each metric).

        Args:
            score: Masked score of the explained classes.
            saliency: Maps of any library, in the formats of `unsee.saliency.as_saliency`.
            truths: Labelled objects, one `Truth` per image.
            method: Method that made the maps.
            reference_classifiers: Other classifiers of the same classes.

        Raises:
            InputError: For maps that do not fit the images or are not finite, for another number
                of truths than of maps, for a missing method, missing classifiers or a missing
                package, and for reference classifiers of other classes.
        """
        self.check()
        self.check_classifier(score.classifier)
        maps = as_saliency(saliency, score.images)
        name = type(self).__name__
        if self.needs_truth and len(truths) != len(maps):
            raise InputError(
                f"{name} needs the labelled objects: expected {len(maps)} truths, got {len(truths)}"
            )
        if self.needs_method and method is None:
            raise InputError(f"{name} computes further maps: expected `method`, got none")
        if method is not None:
            self.check_method(method)
        self.check_reference_classifiers(len(reference_classifiers))
        if self.needs_reference_classifiers:
            for classifier in reference_classifiers:
                check_same_classes(name, score, classifier)
        with torch.no_grad():
            return self.measure(score, maps, Context(truths, method, reference_classifiers))

    @abstractmethod
    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Return one number per image; `rate` has checked the arguments."""
