"""Texts of the summary picture, and its numbers."""

import io
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.conftest import Convolutional, small, toy
from unsee import Against, InputError, Study, create, load
from unsee.errors import printable
from unsee.images.reading import PhotoFile
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
    words = texts(replace(assess(study("gradient"), 0.15), note=""))
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


def test_title_names_the_contrast_class(study) -> None:
    finished = study("random", targets=1, measure=Against(2))
    assert "Why “1” and not “2”" in texts(assess(finished, 0.15))


def test_a_class_that_was_not_predicted_is_not_still_predicted(study) -> None:
    assessment = assess(study("gradient", targets=1), 0.15)
    one, other = torch.tensor([0.2, 0.5, 0.3]), torch.tensor([0.4, 0.1, 0.5])
    words = {}
    for name, original in (("same", one), ("new", other)):
        probabilities = {**assessment.probabilities, "original": original, "removed": one}
        words[name] = replace(assessment, probabilities=probabilities).prediction("removed")
    assert words == {"same": "still the predicted class", "new": "predicted class"}


def test_assessment_has_all_pictures_and_curves(study) -> None:
    assessment = assess(study("gradient"), 0.2, create("infillers", "mean"))
    assert tuple(assessment.probabilities) == (*PICTURES, "infilled")
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


@pytest.mark.parametrize("infiller", ["grey", "blur", "telea", "noise"])
def test_curves_pass_through_the_probabilities_of_the_pictures(study, infiller) -> None:
    assessment = assess(study("gradient"), 0.15, create("infillers", infiller))
    probabilities = assessment.target_probabilities
    for key, first, last in (
        ("removed", "original", "infilled"),
        ("kept", "infilled", "original"),
    ):
        share, scores, _ = assessment.picture_curves[key]
        assert (share.diff() >= 0).all()
        at = share.tolist().index(pytest.approx(0.15))
        assert scores[0, at].item() == pytest.approx(probabilities[key], abs=1e-7)
        assert scores[0, 0].item() == pytest.approx(probabilities[first], abs=1e-7)
        assert scores[0, -1].item() == pytest.approx(probabilities[last], abs=1e-7)


@pytest.mark.parametrize("infiller", ["grey", "telea"])
def test_a_point_of_a_curve_is_the_picture_of_that_share(study, infiller) -> None:
    """Two assessments of the same map agree where their curves have the same share."""
    finished, part = study("gradient"), create("infillers", infiller)
    half = assess(finished, 0.5, part).target_probabilities
    for key in ("removed", "kept"):
        share, scores, _ = assess(finished, 0.15, part).picture_curves[key]
        points = dict(zip(share.tolist(), scores[0].tolist(), strict=True))
        near = [value for at, value in points.items() if abs(at - 0.5) < 0.03]
        assert min(abs(value - half[key]) for value in near) < 0.02


def test_the_wholly_infilled_photo_is_named(study) -> None:
    assessment = assess(study("gradient"), 0.15)
    alone = assessment.target_probabilities["infilled"]
    assert f"photo wholly in-filled: {alone:.0%}" in texts(assessment)


@pytest.mark.parametrize("label", ["[/b]bold", "$x_1$ and $", "two\nlines", "a" * 500, "\udcff"])
def test_class_names_are_drawn_as_they_are(study, label) -> None:
    finished = study("gradient")
    classifier = replace(finished.score.classifier, labels=(label,) * 5)
    finished.score = replace(finished.score, classifier=classifier)
    assessment = assess(finished, 0.15)
    figure = panel(assessment, finished.score.images[0], np.zeros((24, 24, 3), np.uint8))
    figure.savefig(io.BytesIO(), dpi=20)
    title = figure.texts[0].get_text()
    assert title.replace("\\$", "$").startswith(f"What the prediction “{printable(label)[:39]}")
    assert "\n" not in title
