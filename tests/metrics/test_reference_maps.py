"""A perfect, an inverse, a constant and a single-pixel map: all values computed by hand."""

import itertools
import math

import pytest
import torch

from tests.conftest import Corner, Shifted, masked_score, toy
from tests.metrics.conftest import single_pixel
from unsee import create
from unsee.masking import masks
from unsee.metrics.base import Truth

CORNER_BOX = [Truth(torch.tensor([[0.0, 0.0, 16.0, 16.0]]))]


@pytest.fixture
def score():
    """An image of one colour, so that only the number of pixels in the corner counts."""
    return masked_score(toy(Shifted(Corner())), torch.full((1, 3, 32, 32), 0.7))


def reference_maps():
    perfect = torch.zeros(1, 32, 32)
    perfect[:, :16, :16] = 1
    flat = torch.full((1, 32, 32), 0.5)
    pixel = single_pixel(5, 5)
    return {"perfect": perfect, "inverse": 1 - perfect, "constant": flat, "pixel": pixel}


MAPS = reference_maps()


def probability(removed: float) -> float:
    """Probability of class 1 with so many of the corner's 256 pixels grey (0.4 instead of 0.7)."""
    return 1 / (1 + math.exp(-20 * (0.7 - 0.3 * removed / 256 - 0.5)))


def area(removed: list[float]) -> float:
    """Trapezoid over all points."""
    scores = [probability(count) for count in removed]
    return (sum(scores) - scores[0] / 2 - scores[-1] / 2) / (len(scores) - 1)


def corner_pixels(saliency, step: int = 37) -> list[float]:
    """Number of the corner's pixels among the first 0, `step`, ..., 1024 of the ranking."""
    rank = masks.ranks(saliency)[0].view(32, 32)[:16, :16]
    return [float((rank < count).sum()) for count in range(0, 1024 + step, step)]


def test_rankings_by_hand() -> None:
    assert corner_pixels(MAPS["perfect"], 256) == [0, 256, 256, 256, 256]
    assert corner_pixels(MAPS["inverse"], 256) == [0, 0, 0, 0, 256]
    shuffled = corner_pixels(MAPS["constant"], 256)
    assert all(30 < b - a < 98 for a, b in itertools.pairwise(shuffled))
    assert corner_pixels(MAPS["pixel"], 256)[1] > 0


@pytest.mark.parametrize("name", MAPS)
def test_deletion_insertion_and_srg(score, name) -> None:
    saliency = MAPS[name]
    highest_first, lowest_first = corner_pixels(saliency), corner_pixels(-saliency)
    deletion = create("metrics", "deletion").rate(score, saliency).item()
    assert deletion == pytest.approx(area(highest_first), abs=1e-5)
    insertion = create("metrics", "insertion", protocol="clean").rate(score, saliency).item()
    assert insertion == pytest.approx(area([256 - count for count in highest_first]), abs=1e-5)
    srg = create("metrics", "srg").rate(score, saliency).item()
    assert srg == pytest.approx(area(lowest_first) - area(highest_first), abs=1e-5)


EXPECTED = {
    # inverse: the box around all pixels outside the corner is the whole image; overlap 1/4
    "localisation": {"perfect": 0, "inverse": 1, "constant": 1, "pixel": 1},
    "pointing_game": {"perfect": 1, "inverse": 0, "pixel": 1},
    "energy_pointing_game": {"perfect": 1, "inverse": 0, "constant": 0.25, "pixel": 1},
    "outside_box": {"perfect": 0, "inverse": 1, "pixel": 0},
    # pixel: precision 1 and recall 1/256
    "f1": {"perfect": 1, "inverse": 0, "constant": 0, "pixel": 2 / 257},
}


@pytest.mark.parametrize(
    ("metric", "name"), [(metric, name) for metric, values in EXPECTED.items() for name in values]
)
def test_metrics_of_boxes(score, metric, name) -> None:
    settings = {"tolerance": 0.0} if metric == "pointing_game" else {}
    value = create("metrics", metric, **settings).rate(score, MAPS[name], CORNER_BOX).item()
    assert value == pytest.approx(EXPECTED[metric][name], abs=1e-6)


@pytest.mark.parametrize("name", ["perfect", "inverse"])
def test_masked_images(score, name) -> None:
    """The corner alone keeps the probability; all but the corner loses it."""
    masked = probability(0) if name == "perfect" else probability(256)
    drop = create("metrics", "average_drop").rate(score, MAPS[name]).item()
    assert drop == pytest.approx((probability(0) - masked) / probability(0), abs=1e-5)
    classifiers = [toy(Shifted(Corner()))]
    accuracy = create("metrics", "masked_accuracy").rate(
        score, MAPS[name], reference_classifiers=classifiers
    )
    assert accuracy.item() == float(masked > 0.5)


@pytest.mark.parametrize(
    ("name", "share"), [("perfect", 256 / 1024), ("inverse", 1), ("constant", 1), ("pixel", 0.05)]
)
def test_saliency_metric_depends_on_the_area_alone(score, name, share) -> None:
    """All crops of an image of one colour have the same probability."""
    value = create("metrics", "saliency_metric").rate(score, MAPS[name]).item()
    assert value == pytest.approx(math.log(share) - math.log(probability(0)), abs=1e-4)
