"""Robustness of maps to settings of the method and to the seed."""

from dataclasses import replace
from itertools import combinations

import pytest
import torch
from scipy.stats import spearmanr

from tests.metrics.conftest import rate_method
from unsee import InputError, create

SIZES = {"setting": "patch", "values": (4.0, 8.0, 16.0)}


def test_map_that_a_setting_does_not_change_is_robust(batch_score) -> None:
    values = rate_method("robustness", batch_score, create("methods", "box"), seeds=2)
    assert (values == 1).all()


def test_value_is_the_mean_over_all_pairs_of_settings(batch_score) -> None:
    method = create("methods", "sliding_patch", patch=8, stride=4)
    maps = [replace(method, patch=n).attribute(batch_score).detach() for n in (4, 8, 16)]
    expected = [
        sum(spearmanr(a[i].ravel(), b[i].ravel()).statistic for a, b in combinations(maps, 2)) / 3
        for i in range(3)
    ]
    values = rate_method("robustness", batch_score, method, **SIZES)
    torch.testing.assert_close(values, torch.tensor(expected, dtype=torch.float32))


def test_value_is_the_mean_over_all_pairs_of_seeds(batch_score) -> None:
    method = create("methods", "rise", samples=20, cells=4)
    maps = [
        method.attribute(replace(batch_score, seeds=[seed + n for seed in batch_score.seeds]))
        for n in range(3)
    ]
    expected = [
        sum(spearmanr(a[i].ravel(), b[i].ravel()).statistic for a, b in combinations(maps, 2)) / 3
        for i in range(3)
    ]
    values = rate_method("robustness", batch_score, method, seeds=3)
    torch.testing.assert_close(values, torch.tensor(expected, dtype=torch.float32))


def test_images_are_rated_alone_as_in_a_batch(batch_score) -> None:
    method = create("methods", "lime", samples=20, segments=9)
    values = rate_method("robustness", batch_score, method, seeds=2, similarity="ssim")
    for i, value in enumerate(values):
        alone = replace(
            batch_score, images=batch_score.images[i : i + 1],
            targets=batch_score.targets[i : i + 1], seeds=batch_score.seeds[i : i + 1],
        )  # fmt: skip
        torch.testing.assert_close(
            rate_method("robustness", alone, method, seeds=2, similarity="ssim")[0], value
        )


BAD = {
    "no values": ({"setting": "patch"}, "expected two or more different values of patch"),
    "one value": ({"setting": "patch", "values": (4.0, 4.0)}, "two or more different values"),
    "values of seeds": ({"values": (1.0, 2.0)}, "with setting=seed expected seeds >= 2 and no"),
    "one seed": ({"seeds": 1}, "expected seeds >= 2"),
}


@pytest.mark.parametrize("case", BAD)
def test_settings_without_two_maps_are_refused(case) -> None:
    settings, words = BAD[case]
    with pytest.raises(InputError, match=words):
        create("metrics", "robustness", **settings)
