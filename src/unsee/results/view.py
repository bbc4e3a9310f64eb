"""The pictures and numbers of an explanation in a notebook."""

from functools import cached_property
from typing import TYPE_CHECKING

from unsee.images.drawing import overlay
from unsee.results.assessment import Assessment, assess
from unsee.results.page import fragment
from unsee.results.panel import panel
from unsee.study import Study

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class AssessedView:
    """Panel and page of a finished study of one image, which is assessed on first use."""

    def __init__(self, study: Study) -> None:
        self._study = study

    @cached_property
    def assessment(self) -> Assessment:
        """The assessed study."""
        return assess(self._study)

    def figure(self) -> "Figure":
        """Draw the panel of `unsee explain`."""
        explanation = self._study.explanation
        image = explanation.images[0]
        return panel(self.assessment, image, overlay(image, explanation.saliency[0]))

    def html(self) -> str:
        """Return the pictures, the conclusion and the settings as a part of an HTML page."""
        return fragment(self.assessment)
