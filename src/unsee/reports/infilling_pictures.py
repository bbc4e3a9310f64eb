"""Pictures of a comparison of in-fillers: photos, what is missing, and what each puts there."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from unsee.evaluation.infilling import Problem
from unsee.images.drawing import BACKGROUND_COLOUR, TEXT_COLOUR, drawable, show, to_pixels
from unsee.types import Images

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PHOTO = "photo"
"""Name of the control: the original photo."""


def draw(examples: Sequence[tuple[Problem, dict[str, Images]]]) -> "Figure":
    """Draw a row for each photo and a column for each in-filler; missing pixels are black."""
    from unsee.images.figure import Figure

    names = list(examples[0][1])
    columns = [PHOTO, "missing", *(name for name in names if name != PHOTO)]
    size = (1.9 * len(columns), 1.95 * len(examples) + 0.3)
    figure = Figure(figsize=size, layout="constrained", facecolor=BACKGROUND_COLOUR)
    axes = figure.subplots(len(examples), len(columns), squeeze=False)
    for row, (problem, pictures) in enumerate(examples):
        for column, name in enumerate(columns):
            picture = problem.image * problem.keep if name == "missing" else pictures[name]
            show(axes[row][column], to_pixels(picture[0]))
            if row == 0:
                axes[row][column].set_title(
                    drawable(name.partition(":")[0]), fontsize=11, color=TEXT_COLOUR
                )
    return figure
