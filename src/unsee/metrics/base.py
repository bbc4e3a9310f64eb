"""What a metric is."""

from abc import ABC, abstractmethod
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from unsee.score import MaskedScore
from unsee.types import Saliency


class Metric(ABC):
    """Rates saliency maps, one number for each image. Final subclasses are frozen dataclasses."""

    higher_is_better: ClassVar[bool]

    @abstractmethod
    def rate(self, score: MaskedScore, saliency: Saliency) -> Float[Tensor, " b"]:
        """One number per image; averaging is the caller's business."""
