"""Curves and maps that several metrics read are computed once."""

import threading
from dataclasses import replace

import pytest
import torch

from tests.metrics.conftest import rate
from unsee import create
from unsee.metrics._curves import PROTOCOLS, curve
from unsee.metrics._sharing import shared

DROPS = (0.2, 0.5, 0.9)


def passes(score, compute) -> int:
    before = score.classifier.passes.forwards
    compute()
    return score.classifier.passes.forwards - before


def test_metrics_of_one_curve_cost_one_curve(score, noise) -> None:
    def all_drops() -> list[float]:
        return [rate("minimal_mask", score, noise, drop=drop) for drop in DROPS]

    alone = all_drops()
    one = passes(score, lambda: rate("minimal_mask", score, noise))
    with shared():
        assert passes(score, all_drops) == one
        assert all_drops() == alone
    assert passes(score, all_drops) == one * len(DROPS)


def test_similarities_of_the_same_maps_cost_these_maps_once(batch_score) -> None:
    methods = [create("methods", "rise", samples=n, cells=4) for n in (10, 12)]
    saliency = methods[0].attribute(batch_score).detach()

    def rated(method, similarity="ssim", seeds=2) -> torch.Tensor:
        metric = create("metrics", "robustness", seeds=seeds, similarity=similarity)
        return metric.rate(batch_score, saliency, method=method)

    alone = [rated(methods[0], name) for name in ("ssim", "spearman")]
    with shared():
        assert passes(batch_score, lambda: rated(methods[0])) > 0
        assert passes(batch_score, lambda: rated(methods[0], "spearman")) == 0
        assert passes(batch_score, lambda: rated(methods[1])) > 0
        assert passes(batch_score, lambda: rated(methods[0], seeds=3)) > 0
        again = [rated(methods[0], name) for name in ("ssim", "spearman")]
    assert all(torch.equal(*pair) for pair in zip(alone, again, strict=True))


@pytest.mark.parametrize("change", ["maps", "protocol", "direction", "score"])
def test_other_curves_are_computed(score, noise, change) -> None:
    arguments = {
        "score": score, "saliency": noise, "protocol": PROTOCOLS["rise"], "direction": "deletion",
    }  # fmt: skip
    other = {
        "maps": {"saliency": -noise},
        "protocol": {"protocol": PROTOCOLS["igos"]},
        "direction": {"direction": "insertion"},
        "score": {"score": replace(score)},
    }[change]
    with shared():
        curve(**arguments)
        assert passes(score, lambda: curve(**arguments)) == 0
        assert passes(score, lambda: curve(**{**arguments, **other})) > 0


def test_equal_maps_share(score, noise) -> None:
    with shared():
        curve(score, noise, PROTOCOLS["rise"], "deletion")
        assert (
            passes(score, lambda: curve(score, noise.clone(), PROTOCOLS["rise"], "deletion")) == 0
        )


def test_maps_changed_in_place_are_new_maps(score, noise) -> None:
    maps = noise.clone()
    with shared():
        curve(score, maps, PROTOCOLS["rise"], "deletion")
        maps.neg_()
        assert passes(score, lambda: curve(score, maps, PROTOCOLS["rise"], "deletion")) > 0


def test_other_threads_share_nothing(score, noise) -> None:
    counts = []
    with shared():
        curve(score, noise, PROTOCOLS["rise"], "deletion")

        def work() -> None:
            with torch.no_grad():
                counts.append(
                    passes(score, lambda: curve(score, noise, PROTOCOLS["rise"], "deletion"))
                )

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert counts[0] > 0
