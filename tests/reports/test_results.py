"""Means, paired differences and cost against values computed by hand."""

import numpy as np
import pytest

from unsee import InputError
from unsee.reports.results import Results


def test_means_and_differences_by_hand(write_run, tmp_path) -> None:
    rows = write_run("run")
    results = Results.read([tmp_path / "run"])
    fido, rise = results.configurations
    a, b = (np.array([r["deletion"] for r in rows if r["method"] == m]) for m in ("fido", "rise"))
    mean = results.mean(fido, "deletion")
    assert mean.value == pytest.approx(a.mean())
    half = 1.96 * a.std(ddof=1) / np.sqrt(20)
    assert mean.high - mean.value == pytest.approx(half, rel=0.15)
    difference = results.difference(fido, rise, "deletion")
    assert difference.mean.value == pytest.approx((b - a).mean())
    assert difference.outcome == "better"
    assert difference.wins == 1
    assert results.difference(rise, fido, "deletion").outcome == "worse"
    assert results.difference(fido, rise, "insertion").outcome == "not significant"


def test_cost_and_labels(write_run, tmp_path) -> None:
    write_run("run")
    results = Results.read([tmp_path / "run"])
    fido, rise = results.configurations
    assert results.passes(rise) == (20, 0)
    assert results.seconds[fido] == 2
    assert results.label(fido) == "fido"


def test_few_photos_have_no_outcome(write_run, tmp_path) -> None:
    write_run("run", photos=4)
    results = Results.read([tmp_path / "run"])
    difference = results.difference(*results.configurations, "deletion")
    assert difference.outcome == "too few photos"
    assert difference.mean.interval("+") == "too few photos"


def test_second_row_for_a_photo_is_refused(write_run, tmp_path) -> None:
    write_run("a")
    write_run("b")
    with pytest.raises(InputError, match="another of these runs has 0 by fido too"):
        Results.read([tmp_path / "a", tmp_path / "b"])


def test_several_runs_become_one_table(write_run, tmp_path) -> None:
    write_run("a")
    write_run("b", methods=("tide",), metrics=["insertion"])
    results = Results.read([tmp_path / "a", tmp_path / "b"])
    assert [c.method for c in results.configurations] == ["fido", "rise", "tide"]
    assert results.metrics == ("insertion",)


def test_runs_that_cannot_be_reported_are_refused(write_run, tmp_path) -> None:
    with pytest.raises(InputError, match="is not a run"):
        Results.read([tmp_path])
    with pytest.raises(InputError, match="is not a run"):
        Results.read([tmp_path / ("x" * 5000)])
    write_run("bad", error="broken")
    with pytest.raises(InputError, match="no row without an error"):
        Results.read([tmp_path / "bad"])
    write_run("a", metrics=["deletion"])
    write_run("b", methods=("tide",), metrics=["insertion"])
    with pytest.raises(InputError, match="no metric in common"):
        Results.read([tmp_path / "a", tmp_path / "b"])
