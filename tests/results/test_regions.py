"""The smallest region that changes the answer, and the smallest that suffices."""

from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
import torch
from torch import nn

from tests.conftest import small, toy
from unsee.infillers.base import Infiller
from unsee.results import regions
from unsee.results.assessment import assess
from unsee.results.regions import Wanted
from unsee.study import Study

SIDE = 32


class Square(nn.Module):
    """Class 1 wins while more than half of a bright square of 8 x 8 pixels is visible."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(20.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        visible = (x[:, :, 4:12, 4:12].mean((1, 2, 3)) - 0.1) * 2  # of pixels less 0.4
        return torch.stack([torch.zeros_like(visible), self.gain * (visible - 0.5)], 1)


def network():
    """Return the network with a neutral colour of 0.5, which in-fills removed pixels."""
    return replace(toy(Square()), data_mean=(0.5, 0.5, 0.5))


@pytest.fixture
def study() -> Study:
    """A study of a photo with the square, whose map ranks the square first."""
    image = torch.full((1, 3, SIDE, SIDE), 0.5)
    image[..., 4:12, 4:12] = 1.0
    study = Study.of(network(), image, "random", infiller="grey", targets=1)
    explanation = study.finish()
    saliency = torch.rand(1, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    saliency[:, 4:12, 4:12] += 10
    study.explanation = replace(explanation, saliency=saliency)
    return study


def test_half_of_the_evidence_changes_the_answer_and_most_of_it_suffices(study) -> None:
    assessment = assess(study)
    square = 64 / SIDE**2
    assert 0.5 * square <= assessment.shares["removed"] <= 0.8 * square
    assert 0.5 * square <= assessment.shares["kept"] <= 1.2 * square
    assert assessment.has_effect == {"removed": True, "kept": True}
    p = assessment.target_probabilities
    assert p["removed"] < 0.5
    assert p["kept"] >= regions.SUFFICIENT * p["original"]


def test_no_smaller_point_of_the_curves_has_the_effect(study) -> None:
    assessment = assess(study)
    removed, kept = (assessment.picture_curves[key] for key in ("removed", "kept"))
    p = assessment.target_probabilities["original"]
    before = removed.share < assessment.shares["removed"] - 1e-6
    assert (removed.scores[0, before] > 0.5).all()
    before = kept.share < assessment.shares["kept"] - 1e-6
    assert (kept.scores[0, before] < regions.SUFFICIENT * p).all()


def test_a_given_share_is_used_for_both_and_its_effect_is_named(study) -> None:
    assessment = assess(study, 0.01)
    assert assessment.shares == {"removed": 0.01, "kept": 0.01}
    assert assessment.has_effect == {"removed": False, "kept": False}


def test_without_an_effect_the_fallback_is_drawn(study) -> None:
    flat = torch.full((1, 3, SIDE, SIDE), 0.5)  # in-filling changes nothing
    other = Study.of(network(), flat, "random", infiller="grey", targets=0)
    other.finish()
    assessment = assess(other)
    assert assessment.shares["removed"] == regions.FALLBACK
    assert not assessment.has_effect["removed"]


def test_a_class_that_gains_from_removal_has_no_evidence_removed(study) -> None:
    score = replace(study.score, targets=torch.tensor([0]))  # which wins without the square
    curve = regions.picture_curves(score, study.explanation.saliency, None)["removed"]
    assert curve.scores[0].max() > 2 * score.classifier.probabilities(score.images)[0, 0]
    whole = score.classifier.probabilities(score.images)[0, 0].item()
    effect = regions.changed(
        score, study.explanation.saliency, curve, Wanted(whole, 0.0, False, False)
    )
    assert not effect.any()


def test_nothing_suffices_where_the_infilled_photo_does(study) -> None:
    score = replace(study.score, targets=torch.tensor([0]))
    curve = regions.picture_curves(score, study.explanation.saliency, None)["kept"]
    whole = score.classifier.probabilities(score.images)[0, 0].item()
    infilled = score.classifier.probabilities(torch.full_like(score.images, 0.5))[0, 0].item()
    assert not regions.sufficient(curve, Wanted(whole, infilled, False, False)).any()


class Values(nn.Module):
    """A value that grows or falls with what is visible of the square, from an offset."""

    def __init__(self, offset: float, gain: float) -> None:
        super().__init__()
        self.offset, self.square = offset, Square()
        nn.init.constant_(self.square.gain, gain)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.square(x)[:, 1:] + self.offset


@pytest.mark.parametrize("gain", [20.0, -20.0])
def test_effects_on_a_value_do_not_depend_on_its_offset(study, gain) -> None:
    shares = []
    for offset in (0.0, 500.0):
        model = toy(Values(offset, gain), outputs="regression")
        other = Study.of(
            replace(model, data_mean=(0.5, 0.5, 0.5)),
            study.score.images, "random", infiller="grey", targets=0,
        )  # fmt: skip
        explanation = other.finish()
        other.explanation = replace(explanation, saliency=study.explanation.saliency)
        assessment = assess(other)
        assert assessment.has_effect == {"removed": True, "kept": True}
        shares.append(assessment.shares)
        square = 64 / SIDE**2
        assert 0.5 * square <= assessment.shares["removed"] <= 0.8 * square
        assert 0.8 * square <= assessment.shares["kept"] <= 1.2 * square
    assert shares[0] == pytest.approx(shares[1], abs=0.02)  # a point more: half is lost exactly


def test_a_value_that_in_filling_leaves_as_it_is_has_no_effect(study) -> None:
    model = replace(toy(Values(500.0, 20.0), outputs="regression"), data_mean=(0.5, 0.5, 0.5))
    flat = torch.full((1, 3, SIDE, SIDE), 0.5)
    other = Study.of(model, flat, small("sliding_patch"), infiller="grey", targets=0)
    other.finish()
    assessment = assess(other)
    assert assessment.has_effect == {"removed": False, "kept": False}
    assert "the photo that is wholly in-filled scores as high" in assessment.note


@dataclass(frozen=True)
class Samples(Infiller):
    """A background for each mask of an image in turn: grey, then white, which hides nothing."""

    uses_removed_pixels: ClassVar[bool] = False

    def bind(self, batch):
        backgrounds = torch.stack([torch.full_like(batch.images, v) for v in (0.5, 1.0)])
        return lambda keep, rows: backgrounds[rows.variant % 2, rows.image]


def test_regions_have_the_samples_of_the_pictures(study) -> None:
    study.score = replace(study.score, infiller=Samples(), bound=None)
    assessment = assess(study)
    p, curves = assessment.target_probabilities, assessment.picture_curves
    assert (p["removed"] < 0.5) == assessment.has_effect["removed"]
    assert (p["kept"] >= regions.SUFFICIENT * p["original"]) == assessment.has_effect["kept"]
    removed = curves["removed"].scores[0]
    assert (removed.diff() <= 1e-3).all()  # white backgrounds would restore the square
