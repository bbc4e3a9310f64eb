"""The generator of this package."""

from dataclasses import dataclass
from typing import ClassVar

from unsee.infillers._generative import Network, SamplingInfiller
from unsee.networks import weights as files
from unsee.networks.painter import Painter, Size, load_painter

__all__ = ["PainterInfiller"]

UNTRAINED = Size((8, 16, 16, 16), (1, 1), 1, (1, 1))
"""Size of the network with `weights = "random"`."""


@dataclass(frozen=True)
class PainterInfiller(SamplingInfiller):
    """A result of this package's generator: a U-net with noise, and copies of visible patches.

    Depends on the mask. Without `samples` it is deterministic; with them the masks of an image get
    several results in turn, as samples of the expectation in eq. 1 of FIDO. About 0.25 s
    for a picture of 224 pixels on a CPU; `painter_small` is thirty times faster.
    `unsee train infiller --network large` trains it; weights come with the package.
    """

    stream: ClassVar[str] = "painter"
    has_average: ClassVar[bool] = False
    published: ClassVar[files.Published] = files.Published(
        "painter.safetensors", "`unsee train infiller --network large`", "yours"
    )

    weights: str | None = None
    """Path of the weights; default: those that come with the package."""
    samples: int | None = None
    """Number of different results; default: one for all masks."""

    def load(self) -> Network:
        """Read the weights in full precision."""
        if self.weights == files.RANDOM:
            return files.untrained(Painter, UNTRAINED)
        return load_painter(files.find(self.weights, self.published))
