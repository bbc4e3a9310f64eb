"""The grid of each method."""

from dataclasses import dataclass

from unsee.cells.base import Cells, ShownPhoto

__all__ = ["Grid"]


@dataclass(frozen=True)
class Grid(Cells):
    """Squares: the grid of each method, whose values are up-sampled bilinearly.

    The method says how many there are: `tide:grid=28`, `rise:cells=7`.
    """

    def segment(self, photo: ShownPhoto) -> None:
        """Return None, which stands for the grid."""
