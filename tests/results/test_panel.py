"""Texts of the summary picture, and its numbers."""

import numpy as np
import pytest

from unsee import InputError, Study, create, load
from unsee.results.assessment import CURVE_PROTOCOLS, PICTURES, assess
from unsee.results.panel import panel


@pytest.fixture
def study(images):
    def finished(method, **options):
        size = (24, 24)
        study = Study.of(load("tests.toys:classifier"), images[:1, :, :24, :24], method, **options)
        assert study.finish().saliency.shape[-2:] == size
        return study

    return finished


def texts(assessment) -> set[str]:
    figure = panel(assessment, assessment.study.score.images[0], np.zeros((24, 24, 3), np.uint8))
    words = [text.get_text() for text in figure.texts]
    for axes in figure.axes:
        words += [axes.get_title(), *(text.get_text() for text in axes.texts)]
        legend = axes.get_legend()
        words += [text.get_text() for text in legend.get_texts()] if legend else []
    return set(words)


def test_pixels_of_an_importance_map_are_evidence(study) -> None:
    words = texts(assess(study("gradient"), 0.15))
    assert {"Photo", "Evidence removed (top 15%)", "evidence removed", "evidence only"} <= words
    assert any(text.startswith("What the prediction “") for text in words)


def test_pixels_of_a_deviation_map_are_not_evidence(study) -> None:
    method = create("methods", "variational", weights="random", reading="deviation")
    words = texts(assess(study(method), 0.15))
    assert {"Top 15% removed", "top 15% removed", "top 15% only"} <= words
    assert not any("vidence" in text for text in words)


def test_title_of_another_class_and_deviation_between_seeds(study) -> None:
    finished = study("random", targets=0, repeats=2)
    other = int(finished.score.classifier.predict(finished.score.images).argmin())
    words = texts(assess(study("random", targets=other, repeats=2), 0.15))
    assert f"What the score of “{other}” depends on" in words
    assert "Deviation between seeds" in words


def test_assessment_has_all_pictures_and_curves(study) -> None:
    assessment = assess(study("gradient"), 0.2, create("infillers", "mean"))
    assert tuple(assessment.probabilities) == PICTURES
    assert assessment.infiller == create("infillers", "mean")
    assert set(assessment.areas) == set(CURVE_PROTOCOLS)
    removed = (assessment.removed != assessment.study.score.images).any(1).float().mean()
    assert removed == pytest.approx(0.2, abs=0.02)
    with pytest.raises(InputError, match="share of the pixels between 0 and 1, got 15"):
        assess(assessment.study, 15)
