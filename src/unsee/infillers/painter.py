"""Our own generator."""

from dataclasses import dataclass
from typing import ClassVar

from unsee.infillers._generative import Network, Sampling
from unsee.networks import weights as files
from unsee.networks.painter import Painter, load_painter

__all__ = ["PainterInfiller"]


@dataclass(frozen=True)
class PainterInfiller(Sampling):
    """A small U-net with attention over smooth colours, trained by `unsee train infiller`.

    The same mask gives the same answer; with `samples`, several answers that noise chooses among,
    one for each mask of an image in turn: draws of the expectation of FIDO's eq. 1.
    """

    least: ClassVar[int] = 16
    stream: ClassVar[str] = "painter"
    published: ClassVar[files.Published] = files.Published(
        "painter.safetensors", "unsee train infiller", "yours"
    )

    weights: str = ""
    """Path of painter.safetensors."""
    samples: int = 0
    """Different answers; 0 gives the middle one."""

    def load(self) -> Network:
        """The weights as they were trained, at full precision."""
        if self.weights == files.RANDOM:
            return files.untrained(Painter, (16, 16, 16), (1, 1, 1))
        path = files.find(self.weights, self.published)
        return load_painter(path)
