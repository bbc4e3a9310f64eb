"""Figures that notebooks show as pictures."""

from io import BytesIO

from matplotlib import figure

from unsee.images.drawing import save_figure

DPI = 90
"""Dots per inch of the picture in a notebook."""


class Figure(figure.Figure):
    """A figure of matplotlib that a notebook shows as a picture, also if pyplot is not imported."""

    def _repr_png_(self) -> bytes:
        content = BytesIO()
        save_figure(self, content, DPI)
        return content.getvalue()
