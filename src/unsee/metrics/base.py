"""What a metric is."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import ClassVar, final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from unsee.classifiers.classifier import Classifier
from unsee.errors import InputError
from unsee.masking.score import MaskedScore
from unsee.methods.base import Method
from unsee.saliency import Maps, as_saliency
from unsee.types import Saliency


@dataclass(frozen=True, eq=False)
class Truth:
    """Where the labelled object is, in the pixels of the classifier's input."""

    boxes: Float[Tensor, "n 4"] = field(default_factory=lambda: torch.zeros(0, 4))
    """x1, y1, x2, y2 of each object."""
    mask: Bool[Tensor, "h w"] | None = None
    """The objects' pixels, where they are known."""


@dataclass(frozen=True, eq=False)
class Context:
    """What a metric may be told beside the maps."""

    truths: Sequence[Truth] = ()
    """One for each image, or none at all."""
    method: Method | None = None
    """What the maps were made by, to be asked again."""
    reference_classifiers: Sequence[Classifier] = ()
    """Other classifiers of the same classes."""

    def again(self, score: MaskedScore) -> Saliency:
        """The method's maps of another question: other pixels, another classifier."""
        assert self.method is not None
        with torch.enable_grad():
            return self.method.attribute(score).detach()


class Metric(ABC):
    """Rates saliency maps, one number for each image. Final subclasses are frozen dataclasses."""

    higher_is_better: ClassVar[bool]
    needs_truth: ClassVar[bool] = False
    """Whether it must be told where the object is."""
    needs_method: ClassVar[bool] = False
    """Whether it rates the method, which it asks for further maps."""
    needs_reference_classifiers: ClassVar[bool] = False
    """Whether it asks other classifiers."""
    compares: ClassVar[bool] = True
    """False for statistics of a map, which make no map better than another."""
    requires: ClassVar[str] = ""
    """A package that must be installed."""
    coarse: ClassVar[bool] = False
    """True where different maps are often equal: a hit or a miss, a step of a curve."""
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    """Between which it lies."""

    @final
    def check(self) -> None:
        """Refuse a package that is not installed."""
        if self.requires and not find_spec(self.requires):
            raise InputError(
                f"{type(self).__name__} needs {self.requires}: python -m pip install "
                f"{self.requires.replace('pytorch_grad_cam', 'grad-cam')}"
            )

    @final
    def rate(
        self,
        score: MaskedScore,
        saliency: Maps,
        truths: Sequence[Truth] = (),
        method: Method | None = None,
        reference_classifiers: Sequence[Classifier] = (),
    ) -> Float[Tensor, " b"]:
        """One number per image; averaging is the caller's business.

        Maps may be of any library: tensors or arrays, with channels or coarser (`unsee.saliency`).
        Where an object's place is needed and not known, or there is nothing to measure, NaN. Raises
        `InputError` for maps of another size, with NaN, for truths of another number, or without
        the method or the reference_classifiers where they are needed.
        """
        self.check()
        maps = as_saliency(saliency, score.images)
        if self.needs_truth and len(truths) != len(maps):
            raise InputError(
                f"{type(self).__name__} must be told where the objects are: expected "
                f"{len(maps)} truths, got {len(truths)}"
            )
        if self.needs_method and method is None:
            raise InputError(
                f"{type(self).__name__} rates a method by further maps: expected `method`, the one "
                "that made these"
            )
        if self.needs_reference_classifiers and not reference_classifiers:
            raise InputError(f"{type(self).__name__} needs `reference_classifiers`, got none")
        with torch.no_grad():
            return self.measure(score, maps, Context(truths, method, reference_classifiers))

    @abstractmethod
    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """The numbers, for maps and truths that fit."""
