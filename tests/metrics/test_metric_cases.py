"""Perfect map, inverse, constant, one pixel: what each must be is worked out by hand."""

import itertools
import math

import pytest
import torch

from tests.conftest import Corner, Shifted, question, toy
from unsee import create
from unsee.masking import masks
from unsee.metrics.base import Truth

QUARTER = [Truth(torch.tensor([[0.0, 0.0, 16.0, 16.0]]))]


@pytest.fixture
def score():
    """One colour everywhere, so that only the number of pixels in the corner counts."""
    return question(toy(Shifted(Corner())), torch.full((1, 3, 32, 32), 0.7))


def maps():
    perfect = torch.zeros(1, 32, 32)
    perfect[:, :16, :16] = 1
    one = torch.zeros(1, 32, 32)
    one[:, 5, 5] = 1
    flat = torch.full((1, 32, 32), 0.5)
    return {"perfect": perfect, "inverse": 1 - perfect, "constant": flat, "one": one}


def p(gone: float) -> float:
    """Of class 1, when so many of the corner's 256 pixels are grey (0.4 instead of 0.7)."""
    return 1 / (1 + math.exp(-20 * (0.7 - 0.3 * gone / 256 - 0.5)))


def curve(gone: list[float]) -> float:
    """Trapezoid over five points."""
    scores = [p(one) for one in gone]
    return (sum(scores) - scores[0] / 2 - scores[-1] / 2) / 4


def reached(name: str) -> list[float]:
    """Pixels of the corner among the first 0, 256, ... of the ranking."""
    order = masks.ranks(maps()[name])[0].view(32, 32)[:16, :16]
    return [float((order < count).sum()) for count in range(0, 1280, 256)]


def test_the_hand_knows_the_rankings() -> None:
    assert reached("perfect") == [0, 256, 256, 256, 256]
    assert reached("inverse") == [0, 0, 0, 0, 256]
    shuffled = reached("constant")
    assert all(30 < b - a < 98 for a, b in itertools.pairwise(shuffled))
    assert reached("one")[1] > 0


@pytest.mark.parametrize("name", ["perfect", "inverse", "constant", "one"])
def test_deletion_srg_and_single_drop(score, name) -> None:
    saliency, gone = maps()[name], reached(name)
    deletion = create("metrics", "deletion").rate(score, saliency).item()
    assert deletion == pytest.approx(curve(gone), abs=1e-5)
    clean = create("metrics", "insertion", protocol="clean").rate(score, saliency).item()
    assert clean == pytest.approx(curve([256 - one for one in gone]), abs=1e-5)
    order = masks.ranks(-saliency)[0].view(32, 32)[:16, :16]
    least = [float((order < count).sum()) for count in range(0, 1280, 256)]
    srg = create("metrics", "srg").rate(score, saliency).item()
    assert srg == pytest.approx(curve(least) - curve(gone), abs=1e-5)


BOXES = {
    # inverse: the extent of what lies around the corner is the whole picture; IoU 1/4
    "localisation": {"perfect": 0, "inverse": 1, "constant": 1, "one": 1},
    "pointing_game": {"perfect": 1, "inverse": 0, "one": 1},
    "energy_pointing_game": {"perfect": 1, "inverse": 0, "constant": 0.25, "one": 1},
    "outside_box": {"perfect": 0, "inverse": 1, "one": 0},
    # precision 1/4 and recall 1/2; precision 1 and recall 1/256
    "f1": {"perfect": 1, "inverse": 0, "constant": 2 / 4 / 2 / (3 / 4), "one": 2 / 257},
}


@pytest.mark.parametrize(
    ("metric", "name"), [(metric, name) for metric, known in BOXES.items() for name in known]
)
def test_against_a_box(score, metric, name) -> None:
    settings = {"tolerance": 0.0} if metric == "pointing_game" else {}
    rated = create("metrics", metric, **settings).rate(score, maps()[name], QUARTER).item()
    assert rated == pytest.approx(BOXES[metric][name], abs=1e-6)


@pytest.mark.parametrize("name", ["perfect", "inverse"])
def test_what_is_shown_alone(score, name) -> None:
    """The corner alone keeps all of p, the rest alone leaves what is left without it."""
    shown = p(0) if name == "perfect" else p(256)
    drop = create("metrics", "average_drop").rate(score, maps()[name]).item()
    assert drop == pytest.approx((p(0) - shown) / p(0), abs=1e-5)
    witness = toy(Shifted(Corner()))
    seen = create("metrics", "masked_accuracy").rate(
        score, maps()[name], reference_classifiers=[witness]
    )
    assert seen.item() == float(shown > 0.5)


def test_the_crop_of_the_saliency_metric(score) -> None:
    """Any crop of one colour says the same; only its area counts."""
    for name, area in (("perfect", 256 / 1024), ("inverse", 1), ("constant", 1), ("one", 0.05)):
        rated = create("metrics", "saliency_metric").rate(score, maps()[name]).item()
        assert rated == pytest.approx(math.log(area) - math.log(p(0)), abs=1e-4), name
