"""Means, paired differences and cost against values computed by hand."""

import numpy as np
import pytest

from unsee import InputError
from unsee.reports.markdown import markdown
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


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"metric_infiller": "blur"}, r"other in-fillers of the metrics \(own, blur\)"),
        ({"judge": "blur"}, "other in-fillers of the metrics"),  # as earlier versions store it
        ({"measure": "logit"}, r"other measures \(own, logit\)"),
        ({"fit": "resize"}, r"other fits \(own, resize\)"),
        ({"precision": "bfloat16"}, r"other precisions \(float32, bfloat16\)"),
        ({"seed": 1}, r"other seeds \(0, 1\)"),
    ],
)
def test_runs_with_settings_that_change_numbers_are_not_paired(
    write_run, tmp_path, settings, words
) -> None:
    write_run("a", methods=("fido",))
    write_run("b", methods=("rise",), settings=settings)
    with pytest.raises(InputError, match=words):
        Results.read([tmp_path / "a", tmp_path / "b"])


def test_settings_that_are_equal_or_not_needed_do_not_keep_runs_apart(write_run, tmp_path) -> None:
    write_run("a", methods=("fido",), settings={"metric_infiller": ""})  # of an earlier version
    write_run("b", methods=("rise",), settings={"reference_classifiers": ["x"], "measure": None})
    assert len(Results.read([tmp_path / "a", tmp_path / "b"]).configurations) == 2
    write_run("c", methods=("lime",), settings={"reference_classifiers": ["y"]})
    with pytest.raises(InputError, match="other reference classifiers"):
        Results.read([tmp_path / "b", tmp_path / "c"])


def test_runs_with_other_content_of_the_same_file_are_not_paired(write_run, tmp_path) -> None:
    write_run("a", methods=("fido",), files={"w": "1", "v": "1"})
    write_run("b", methods=("rise",), files={"w": "1"})
    write_run("c", methods=("lime",), files={"w": "2"})
    Results.read([tmp_path / "a", tmp_path / "b"])
    with pytest.raises(InputError, match="other content of w"):
        Results.read([tmp_path / "a", tmp_path / "c"])


def test_a_report_states_the_settings_that_change_numbers(write_run, tmp_path) -> None:
    write_run("a", settings={"measure": "logit", "fit": "resize", "cells": "slic"})
    text = markdown(Results.read([tmp_path / "a"]))
    assert "seed 0" in text
    assert "cells slic, measure logit, fit resize, float32" in text


def test_notebooks_show_the_report_and_terminals_a_line(write_run, tmp_path) -> None:
    write_run("run")
    results = Results.read([tmp_path / "run"])
    assert repr(results) == (
        "Results(run: 2 configurations, 20 photos, metrics deletion, insertion)"
    )
    assert "## Means" in results._repr_markdown_()
    assert "| fido |" in results._repr_markdown_()
