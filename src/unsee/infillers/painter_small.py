"""The smaller generator of this package."""

from dataclasses import dataclass
from typing import ClassVar

from unsee.infillers.painter import PainterInfiller
from unsee.networks import weights as files

__all__ = ["PainterSmall"]


@dataclass(frozen=True)
class PainterSmall(PainterInfiller):
    """A result of the smaller generator of this package, at the cost of a forward pass.

    Like `painter`, with a twentieth of its weights and without copied patches: it is thirty times
    faster, restores less of what random cells hide, and removes objects equally well. A forward
    pass is that of EfficientNet-Lite0. `unsee train infiller --network small` trains it.
    """

    published: ClassVar[files.Published] = files.Published(
        "painter_small.safetensors", "`unsee train infiller --network small`", "yours"
    )
