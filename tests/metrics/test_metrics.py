"""Each metric against hand-worked cases or a few lines of numpy."""

import math

import numpy as np
import pytest
import torch

from tests.conftest import Convolutional, question, toy
from unsee import InputError, create
from unsee.metrics import _boxes
from unsee.metrics._curves import PROTOCOLS, curve
from unsee.metrics._tuning import tuned
from unsee.metrics.base import Truth


@pytest.fixture
def image():
    return torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(2))


@pytest.fixture
def score(image):
    return question(toy(Convolutional()), image)


@pytest.fixture
def noise():
    return torch.rand(1, 32, 32, generator=torch.Generator().manual_seed(3))


def boxed(*boxes):
    return [Truth(torch.tensor(boxes, dtype=torch.float32))]


def square(top=8, left=4, bottom=16, right=20):
    saliency = torch.zeros(1, 32, 32)
    saliency[:, top:bottom, left:right] = 1
    return saliency


def rate(name, score, saliency, truths=(), **settings):
    return create("metrics", name, **settings).rate(score, saliency, truths).item()


def p_of(score, picture):
    return score.classifier.logits(picture).softmax(1)[0, 1].item()


def test_thresholds_by_hand() -> None:
    saliency = torch.tensor([[0.0, 1.0, 2.0, 5.0]])
    for threshold, alpha, expected in (
        ("max", 0.4, [0, 0, 1, 1]),
        ("max", 1.0, [0, 0, 0, 1]),
        ("mean", 1.0, [0, 0, 1, 1]),
        ("minmax", 0.2, [0, 1, 1, 1]),
        ("energy", 0.6, [0, 0, 0, 1]),
        ("energy", 0.7, [0, 0, 1, 1]),
        ("energy", 1.0, [0, 1, 1, 1]),
    ):
        got = _boxes.above(saliency, threshold, alpha)
        assert got.int().tolist() == [expected], (threshold, alpha)
    soft = torch.tensor([[0.9, 0.6, 0.4, 0.1]])
    assert _boxes.above(soft, "share", 1.0).int().tolist() == [[1, 1, 0, 0]]


def test_boxes_by_hand() -> None:
    inside = torch.zeros(8, 8, dtype=torch.bool)
    inside[1:3, 2:7], inside[6, 0] = True, True
    assert _boxes.extent(inside).tolist() == [0, 1, 7, 7]
    assert _boxes.extent(_boxes.largest(inside)).tolist() == [2, 1, 7, 3]
    assert _boxes.extent(torch.zeros(4, 4, dtype=torch.bool)) is None
    ious = _boxes.overlap(
        torch.tensor([0.0, 0.0, 4.0, 4.0]),
        torch.tensor([[0.0, 0.0, 4.0, 4.0], [2.0, 0.0, 6.0, 4.0], [5.0, 5.0, 6.0, 6.0]]),
    )
    torch.testing.assert_close(ious, torch.tensor([1.0, 8 / 24, 0.0]))


def test_localisation_by_hand(score) -> None:
    for box, error in (
        ((4, 8, 20, 16), 0),
        ((4, 8, 20, 24), 0),  # exactly half
        ((4, 8, 20, 25), 1),
        ((20, 20, 30, 30), 1),
    ):
        assert rate("localisation", score, square(), boxed(box)) == error, box
    assert rate("localisation", score, square(), boxed((0, 0, 2, 2), (4, 8, 20, 16))) == 0
    spread = square()
    spread[0, 31, 31] = 0.6
    assert rate("localisation", score, spread, boxed((4, 8, 20, 16))) == 1
    assert rate("localisation", score, spread, boxed((4, 8, 20, 16)), component=True) == 0
    assert rate("localisation", score, spread, boxed((4, 8, 20, 16)), alpha=0.7) == 0


def test_the_official_metric_wants_the_right_class_too(image) -> None:
    network = toy(Convolutional())
    best = int(network.predict(image).argmax())
    right, wrong = (question(network, image, target=t) for t in (best, (best + 1) % 5))
    truth = boxed((4, 8, 20, 16))
    assert rate("localisation", right, square(), truth, official=True) == 0
    assert rate("localisation", wrong, square(), truth, official=True) == 1
    assert math.isnan(rate("localisation", wrong, square(), [Truth()], official=True))


def test_pointing_game_by_hand(score) -> None:
    one = torch.zeros(1, 32, 32)
    one[0, 10, 12] = 1
    assert rate("pointing_game", score, one, boxed((4, 8, 20, 16))) == 1
    assert rate("pointing_game", score, one, boxed((20, 20, 30, 30)), tolerance=3) == 0
    # from (10, 12) to the pixel (20, 20) of the box: sqrt(164)
    assert rate("pointing_game", score, one, boxed((20, 20, 30, 30)), tolerance=12.7) == 0
    assert rate("pointing_game", score, one, boxed((20, 20, 30, 30)), tolerance=12.9) == 1
    mask = torch.zeros(32, 32, dtype=torch.bool)
    mask[0, 0] = True
    assert rate("pointing_game", score, one, [Truth(mask=mask)], tolerance=3) == 0


def test_energy_pointing_game_by_hand(score) -> None:
    saliency = square() * 3
    saliency[0, 20, 20:32] = 2
    saliency[0, 30, 30] = -50
    expected = 3 * 128 / (3 * 128 + 2 * 12)
    assert rate("energy_pointing_game", score, saliency, boxed((4, 8, 20, 16))) == pytest.approx(
        expected
    )
    flat = torch.zeros(1, 32, 32)
    assert rate("energy_pointing_game", score, flat, boxed((0, 0, 16, 32))) == 0.5


def test_outside_box_by_hand(score) -> None:
    assert rate("outside_box", score, square(), boxed((4, 8, 12, 16))) == 0.5
    assert rate("outside_box", score, 0.6 * square(), boxed((4, 8, 12, 16)), level=0.7) != 0.5
    assert math.isnan(rate("outside_box", score, 0.4 * square(), boxed((4, 8, 12, 16))))


def test_f1_by_hand(score) -> None:
    soft = 0.5 * square()
    precision, recall = 0.5, 0.5  # half of the mask lies in the box, and half of its weight there
    expected = 2 * precision * recall / (precision + recall)
    assert rate("f1", score, soft, boxed((4, 8, 12, 16))) == pytest.approx(expected)
    assert rate("f1", score, soft, boxed((0, 0, 1, 1), (4, 8, 12, 16))) == pytest.approx(expected)
    assert rate("f1", score, square(), boxed((4, 8, 20, 16))) == pytest.approx(1)


def test_saliency_metric_by_hand(score, image) -> None:
    crop = torch.nn.functional.interpolate(
        image[..., 8:16, 4:20], (32, 32), mode="bilinear", antialias=True
    )
    expected = math.log(128 / 1024) - math.log(p_of(score, crop))
    assert rate("saliency_metric", score, square()) == pytest.approx(expected, abs=1e-4)
    tiny = square(3, 3, 4, 4)
    crop = image[..., 3:4, 3:4].expand(-1, -1, 32, 32)
    expected = math.log(0.05) - math.log(p_of(score, crop))
    assert rate("saliency_metric", score, tiny) == pytest.approx(expected, abs=1e-4)


def test_srg_is_the_difference_of_two_areas(score, noise) -> None:
    areas = [
        PROTOCOLS["rise"].area(curve(score, m, PROTOCOLS["rise"], "deletion")).item()
        for m in (noise, -noise)
    ]
    assert rate("srg", score, noise) == pytest.approx(areas[1] - areas[0], abs=1e-6)
    assert rate("srg", score, -noise) == pytest.approx(areas[0] - areas[1], abs=1e-6)


def test_minimal_mask_by_numpy(score, noise) -> None:
    share, odds, _ = curve(score, noise, PROTOCOLS["infill"], "deletion")
    odds = odds[0].detach().numpy()
    fallen = (odds[0] - odds) / max(odds[0] - odds[-1], 1e-6)
    for drop in (0.2, 0.5, 0.9):
        at = int(np.argmax(fallen >= drop))
        expected = np.interp(drop, fallen[at - 1 : at + 1], share[at - 1 : at + 1].numpy())
        if fallen.max() < drop:
            expected = 1.0
        assert rate("minimal_mask", score, noise, drop=drop) == pytest.approx(expected, abs=1e-4)


def test_average_drop_and_increase_by_hand(score, image) -> None:
    keep = square()
    p, shown = p_of(score, image), p_of(score, image * keep + 0.4 * (1 - keep))
    drop, rise = (rate(f"average_{name}", score, 5 * keep - 2) for name in ("drop", "increase"))
    assert drop == pytest.approx(max(0, p - shown) / p, abs=1e-5)
    assert rise == float(shown > p)


def test_road_by_hand(score, image, noise) -> None:
    order = (-noise[0]).flatten().argsort()
    filler = create("infillers", "noisy_linear")
    asked = question(score.classifier, image, filler)

    def mean(ranked):
        found = []
        for share in range(1, 10):
            keep = torch.ones(1024)
            keep[ranked[: round(share / 10 * 1024)]] = 0
            found.append(asked(keep.view(1, 1, 1, 32, 32)).item())
        return float(np.mean(found))

    least, most = mean(order.flip(0)), mean(order)
    assert rate("road", score, noise) == pytest.approx((least - most) / 2, abs=1e-3)
    assert rate("road", score, noise, order="least_first") == pytest.approx(least, abs=1e-3)


def test_irof_by_hand(score, image, noise) -> None:
    from unsee.images.superpixels import cut

    pieces = cut(image[0], "slic", 9).numpy()
    means = [noise[0].numpy()[pieces == piece].mean() for piece in range(pieces.max() + 1)]
    keep, found = np.ones((32, 32)), []
    for piece in [-1, *np.argsort(-np.array(means))]:
        keep[pieces == piece] = 0
        mask = torch.tensor(keep).float().view(1, 1, 1, 32, 32)
        found.append(question(score.classifier, image, "mean")(mask).item())
    expected = 1 - np.mean(np.array(found) / found[0])
    assert rate("irof", score, noise, segments=9) == pytest.approx(expected, abs=1e-4)


def test_statistics_of_a_flat_and_of_a_single_pixel_map(score) -> None:
    flat, one = torch.full((1, 32, 32), 0.3), torch.zeros(1, 32, 32)
    one[0, 4, 4] = 1
    assert rate("gini", score, flat) == pytest.approx(0, abs=1e-5)
    assert rate("gini", score, one) == pytest.approx(1 - 1 / 1024, abs=1e-5)
    assert rate("entropy", score, flat) == pytest.approx(1, abs=1e-5)
    assert rate("entropy", score, one) == pytest.approx(0, abs=1e-5)
    assert rate("volume", score, flat) == pytest.approx(0.3, abs=1e-5)
    assert rate("volume", score, one) == pytest.approx(1 / 1024, abs=1e-6)
    assert rate("total_variation", score, flat) == 0
    assert rate("total_variation", score, one) == pytest.approx(4 / (31 * 32), abs=1e-6)


def test_equal_pixels_are_ordered_by_the_seeded_shuffle() -> None:
    flat = torch.full((32, 32), 0.5)
    for threshold, alpha in (("share", 1.0), ("energy", 0.5)):
        chosen = _boxes.above(flat, threshold, alpha)
        assert chosen.sum() == 512
        assert 150 < chosen[:16].sum() < 362  # no scan from a corner
    for seed in range(20):
        noise = torch.rand(32, 32, generator=torch.Generator().manual_seed(seed))
        assert _boxes.above(noise, "energy", 1.0).all()
    assert not _boxes.above(torch.zeros(8, 8), "energy", 1.0).any()


def test_irof_of_a_constant_map_does_not_hang_on_its_value(score) -> None:
    one, other = (
        rate("irof", score, torch.full((1, 32, 32), value), segments=16) for value in (0.3, 0.7)
    )
    assert one == other


def test_scatter_counts_regions_of_the_top(score) -> None:
    saliency = torch.zeros(1, 32, 32)
    saliency[0, :4, :4], saliency[0, 10:14, 10:14], saliency[0, 14:18, 14:18] = 3.0, 2.0, 1.0
    assert rate("scatter", score, saliency, share=16 / 1024) == 1
    assert rate("scatter", score, saliency, share=32 / 1024) == 2
    assert rate("scatter", score, saliency, share=48 / 1024) == 3  # corners do not join
    assert rate("scatter", score, saliency, share=1.0) == 1
    assert rate("scatter", score, torch.zeros(1, 32, 32)) > 50  # ties are shuffled
    for share in (0.0, 1.5, math.nan):
        with pytest.raises(InputError, match=r"expected a share in \(0, 1\]"):
            create("metrics", "scatter", share=share)


def test_gini_by_numpy(score, noise) -> None:
    x = np.sort(noise.numpy().ravel())
    away = np.abs(x[:, None] - x[None]).mean() / (2 * x.mean())
    assert rate("gini", score, noise) == pytest.approx(away, abs=1e-4)


def test_statistics_do_not_depend_on_the_scale_where_they_should_not(score, noise) -> None:
    for name in ("gini", "entropy", "total_variation"):
        once = rate(name, score, noise)
        assert rate(name, score, 7 * noise) == pytest.approx(once, rel=1e-4)


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("localisation", {"alpha": 1.5}, "0 <= alpha <= 1"),
        ("minimal_mask", {"drop": 1.0}, "0 < drop < 1"),
        ("srg", {"protocol": "rice"}, "did you mean 'rise'"),
        ("saliency_metric", {"alpha": -0.1}, "0 <= alpha"),
    ],
)
def test_wrong_settings_are_refused(name, settings, words) -> None:
    with pytest.raises(InputError, match=words):
        create("metrics", name, **settings)


def test_infidelity_is_zero_for_the_true_linear_map(image) -> None:
    pytest.importorskip("captum")
    weight = torch.randn(1, 32, 32, generator=torch.Generator().manual_seed(5))

    class Linear(torch.nn.Module):
        def forward(self, x):
            logit = (x.sum(1) * weight).sum((1, 2)) / 100
            return torch.stack([torch.zeros_like(logit), logit], 1)

    score = question(toy(Linear()), image, measure=lambda logits, t: logits[:, 1])
    exact, other = rate("infidelity", score, weight), rate("infidelity", score, -weight.flip(1))
    assert exact == pytest.approx(0, abs=1e-4)
    assert other > 100 * max(exact, 1e-6)
    assert rate("infidelity", score, 7 * weight) == pytest.approx(exact, abs=1e-4)


def test_sic_of_the_best_and_the_worst_order(classifier, images) -> None:
    truth = torch.zeros(3, 32, 32)
    truth[:, :16, :16] = 1
    score = question(classifier, images)
    best, worst = (create("metrics", "sic", sigma=6).rate(score, m) for m in (truth, -truth))
    known = ~best.isnan() & ~worst.isnan()
    assert known.any()
    assert (best[known] > worst[known]).all()


def test_sic_area_by_hand() -> None:
    from unsee.metrics.sic import _area

    sizes, values = torch.tensor([100.0, 150.0, 300.0]), torch.tensor([0.1, 0.5, 0.9])
    expected = 0.25 * (0 + 0.5) / 2 + 0.75 * (0.5 + 1) / 2
    assert _area(sizes, values, fixed=False).item() == pytest.approx(expected)
    assert _area(sizes, torch.tensor([0.1, 0.1, 0.1]), fixed=False).isnan()
    assert _area(sizes, torch.tensor([0.0, 1.0, 1.0]), fixed=True).item() == pytest.approx(0.875)


def test_lateness_by_hand(score, noise) -> None:
    share, values, _ = curve(score, noise, PROTOCOLS["igos"], "insertion")
    values = values[0].detach()
    for part in (0.5, 0.9, 1.0):
        at = next(i for i, value in enumerate(values) if value >= part * values[-1])
        got = rate("lateness", score, noise, part=part)
        assert got == pytest.approx(share[at].item())
    with pytest.raises(InputError, match="0 < part <= 1"):
        create("metrics", "lateness", part=0)


def test_alpha_is_chosen_where_the_metric_is_best(score) -> None:
    spread = 0.3 * torch.ones(1, 32, 32) + 0.7 * square()
    truths = boxed((4, 8, 20, 16))
    metric = tuned(create("metrics", "localisation", alpha=0.0), score, spread, truths)
    assert metric.alpha == 0.35  # the first above what lies around the square
    assert metric.rate(score, spread, truths).item() == 0
    with pytest.raises(InputError, match="no alpha to choose"):
        tuned(create("metrics", "gini"), score, spread)
