"""Texts of the summary picture, and its numbers."""

import numpy as np
import pytest
import torch

from tests.conftest import Convolutional, small, toy
from unsee import InputError, Study, create, load
from unsee.images.reading import PhotoFile
from unsee.results.assessment import CURVE_PROTOCOLS, INFILLED, PICTURES, assess
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
    assert tuple(assessment.probabilities) == (*PICTURES, INFILLED)
    assert assessment.infiller == create("infillers", "mean")
    assert set(assessment.areas) == set(CURVE_PROTOCOLS)
    removed = (assessment.removed != assessment.study.score.images).any(1).float().mean()
    assert removed == pytest.approx(0.2, abs=0.02)
    with pytest.raises(InputError, match="share of the pixels between 0 and 1, got 15"):
        assess(assessment.study, 15)


def assessed(images, outputs, **options):
    model = Convolutional(1 if outputs == "binary" else 3)
    classifier = toy(model, labels=("cat",) if outputs == "binary" else (), outputs=outputs)
    study = Study.of(classifier, images[:1], small("rise"), **options)
    study.finish()
    return assess(study, 0.15), classifier.predict(images[:1])


def drawn_texts(assessment) -> set[str]:
    photo = assessment.study.score.images[0]
    figure = panel(assessment, photo, np.zeros((32, 32, 3), np.uint8))
    return {text.get_text() for axes in figure.axes for text in axes.texts}


def test_a_single_logit_is_drawn_as_a_sigmoid(images) -> None:
    assessment, logits = assessed(images, "binary", targets="cat")
    p = logits[0, 1].sigmoid().item()
    assert assessment.target_probabilities["original"] == pytest.approx(p, abs=1e-5)
    assert f"cat  {p:.0%}" in drawn_texts(assessment)
    assert assessment.study.explanation.saliency.std() > 0


def test_labels_are_drawn_as_sigmoids(images) -> None:
    assessment, logits = assessed(images, "sigmoid", targets=1)
    p = logits[0].sigmoid()
    torch.testing.assert_close(assessment.probabilities["original"], p)
    assert assessment.predicts_target == (p[1].item() >= 0.5)
    assert f"1  {p[1].item():.0%}" in drawn_texts(assessment)
    assert assessment.study.explanation.provenance["classifier"]["outputs"] == "sigmoid"


def test_a_regression_is_drawn_as_values(images) -> None:
    assessment, logits = assessed(images, "regression", targets=1)
    words = drawn_texts(assessment)
    assert f"1  {logits[0, 1].item():.4g}" in words
    assert not any("%" in text for text in words)
    assert {axes.get_title("left") for axes in panel_axes(assessment)} >= {"Values"}
    photo = PhotoFile(images[0], "a.png", "")
    assert "probability" not in assessment.manifest(photo)


def panel_axes(assessment):
    photo = assessment.study.score.images[0]
    return panel(assessment, photo, np.zeros((32, 32, 3), np.uint8)).axes
