"""Metrics at several values of a setting."""

from tests.reports.conftest import ALPHAS, TUNED
from unsee.evaluation.columns import columns_of
from unsee.reports.sweeps import cross_fitted, find_sweeps


def test_columns_that_differ_in_one_number_are_a_sweep() -> None:
    columns = ["deletion", *columns_of([ALPHAS]), "localisation:threshold=mean,alpha=0.3"]
    (sweep,) = find_sweeps(columns)
    assert sweep.setting == "alpha"
    assert sweep.name == "localisation:threshold=max"
    assert list(sweep.columns) == [0, 0.3, 0.6, 0.9]
    assert sweep.tuned_column == TUNED
    assert find_sweeps(["volume", "minimal_mask:drop=0.1", "minimal_mask:drop=0.2"]) == []


def test_value_is_chosen_on_the_other_half() -> None:
    # the photos a and c prefer 0.2, the photos b and d prefer 0.4
    values = {
        0.2: {"a": 1.0, "b": 5.0, "c": 2.0, "d": 6.0},
        0.4: {"a": 3.0, "b": 4.0, "c": 3.0, "d": 4.0},
    }
    assert cross_fitted(values, sign=-1) == {"a": 3.0, "c": 3.0, "b": 5.0, "d": 6.0}
    assert cross_fitted(values, sign=1) == {"a": 1.0, "c": 2.0, "b": 4.0, "d": 4.0}
    same = {0.2: {"a": 1.0, "b": 2.0}, 0.1: {"a": 1.0, "b": 2.0}}
    assert cross_fitted(same, sign=1) == {"a": 1.0, "b": 2.0}
