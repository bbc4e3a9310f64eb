"""Random: a control with a map of uniform noise."""

from collections.abc import Iterator
from dataclasses import dataclass

from unsee.masking.score import MaskedScore
from unsee.methods._checks import check_grid
from unsee.methods.base import Method, Progress, Traits, fixed_maps

__all__ = ["Random"]


@dataclass(frozen=True)
class Random(Method):
    """Draw a map of uniform noise, the control that every method should exceed.

    The map is u ~ Uniform(0, 1), independent for each pixel or cell.
    """

    traits = Traits(uses_classifier=False, cells=("grid",))

    grid: int | None = None
    """Number of cells per side, up-sampled bilinearly; None draws a number for each pixel."""

    def iterate(self, score: MaskedScore) -> Iterator[Progress]:
        """Yield the map once, without a pass."""
        size = score.images.shape[-2:]
        if self.grid is None:
            cells = (size[0], size[1])
        else:
            check_grid("random", self.grid, score)
            cells = (self.grid, self.grid)
        noise = score.random.uniform(0, 1, 1, *cells, stream="map")
        yield Progress(1, 1, fixed_maps(score.to_pixels(noise)[:, 0, 0]))
