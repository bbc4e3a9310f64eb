"""The page of docs/truth.md: stages replaced one by one."""

import runpy

import pytest

from tests.evaluation.runs import ROOT

NAMES = runpy.run_path(str(ROOT / "benchmarks/truth.py"))
rank_sums, replaced = NAMES["rank_sums"], NAMES["replaced"]


def line(method, stage, mean, *, rank="", metric="deletion", higher="False", photos="8"):
    return {
        "method": method, "infiller": "own", "stage": stage, "classifier": "c", "metric": metric,
        "test": metric, "higher_is_better": higher, "mean": mean, "photos": photos,
        "mean_rank": rank,
    }  # fmt: skip


def test_a_replaced_stage_changes_the_mean_ranks() -> None:
    lines = [
        line("a", "own", "0.1", rank="1.0"), line("b", "own", "0.2", rank="1.5"),
        line("b", "marks", "0.9", rank="1.5", metric="auc", higher="True"),
    ]  # fmt: skip
    new = [line("b", "own", "0.05"), line("a", "own", "0.1")]
    result = replaced(lines, new)
    assert [(row["method"], row["stage"], row["mean_rank"]) for row in result] == [
        ("b", "own", "1.00"), ("a", "own", "2.00"), ("b", "marks", "1.00"),
    ]  # fmt: skip


def test_ranks_count_tests_that_rate_maps_and_ties_share_one() -> None:
    lines = [
        line("a", "own", "0.1"), line("b", "own", "0.1"), line("c", "own", ""),
        line("a", "own", "9", metric="scatter"), line("b", "own", "1", metric="scatter"),
    ]  # fmt: skip
    assert rank_sums(lines) == {"a": 1.5, "b": 1.5}


def test_means_of_other_photos_are_not_ranked() -> None:
    with pytest.raises(ValueError, match="methods lack photos"):
        rank_sums([line("a", "own", "0.1"), line("b", "own", "0.2", photos="5")])
