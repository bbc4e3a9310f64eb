"""Photos on which two methods differ most."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from unsee.evaluation import paper_tables
from unsee.evaluation.plan import Plan
from unsee.evaluation.run import Run
from unsee.reports import extremes
from unsee.reports.figures import figures
from unsee.reports.results import Results

PHOTOS = 9


@pytest.fixture
def compute(tmp_path):
    """Compute a run on photos of noise."""
    g, photos = np.random.default_rng(0), tmp_path / "photos"
    photos.mkdir()
    for number in range(PHOTOS):
        Image.fromarray(g.integers(0, 255, (30, 40, 3), np.uint8)).save(photos / f"{number}.png")

    def run(table=None, **settings) -> Results:
        defaults = {
            "methods": ("random", "box", "gradient"), "metrics": ("gini", "deletion"),
            "classifiers": ("tests.toys:classifier",), "target": "top1", "save_maps": True,
        }  # fmt: skip
        plan = Plan(data=str(photos), shard=2, **{**defaults, **settings})
        for _ in Run.begin(plan, tmp_path / "run", threads=1, table=table).local():
            pass
        return Results.read([tmp_path / "run"])

    return run


def test_ends_of_the_two_best_are_those_of_the_sorted_gains(compute) -> None:
    results = compute()
    (one,) = extremes.extremes(results)
    assert one.metric == "deletion"  # `gini` makes no map better than another
    first, second = (results.values(c, "deletion") for c in one.pair)
    gains = {photo: second[photo] - first[photo] for photo in first}  # lower is better
    assert sum(first.values()) <= sum(second.values())
    ranked = sorted(gains.values(), reverse=True)
    assert list(one.gains.values()) == [g for g in ranked[:3] if g > 0] + [
        g for g in ranked[-3:] if g < 0
    ]
    assert all(gains[photo] == gain for photo, gain in one.gains.items())


def test_pairs_of_a_paper_come_first(compute) -> None:
    claims = [
        {"better": "gradient", "worse": "random", "metrics": ["gini", "deletion"]},
        {"better": "box", "worse": "gradient", "metrics": ["deletion"]},
    ]
    table = paper_tables.Table.of({"claims": claims})
    pairs = [[c.method for c in one.pair] for one in extremes.extremes(compute(table))]
    assert pairs == [["gradient", "random"], ["box", "gradient"]]


def test_figure_has_both_maps_of_each_photo(compute) -> None:
    results = compute()
    (one,) = extremes.extremes(results)
    figure = figures(results)["extremes"]
    (panel,) = figure.subfigs
    texts = [text.get_text() for axes in panel.axes for text in axes.texts]
    ids = [text for text in texts if text.endswith(".png")]
    assert ids == [*one.gains]
    assert sum("better by" in " ".join(text.split()) for text in texts) >= 1
    assert sum(bool(axes.images) for axes in panel.axes) == 3 * len(ids)


def test_runs_without_maps_have_no_figure(compute) -> None:
    assert "extremes" not in figures(compute(save_maps=False))


def test_one_method_has_no_ends(compute) -> None:
    assert extremes.extremes(compute(methods=("box",))) == []


def test_equal_numbers_have_no_ends(compute) -> None:
    results = compute(methods=("random", "box"), metrics=("deletion",))
    same = dict.fromkeys(results.configurations, results.measurements[results.configurations[0]])
    assert extremes.extremes(replace(results, measurements=same)) == []
