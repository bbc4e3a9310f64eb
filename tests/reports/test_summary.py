"""Titles and conclusions."""

from unsee.reports import summary
from unsee.reports.results import Results


def test_conclusion_names_the_best_and_its_margin(write_run, tmp_path) -> None:
    write_run("run")
    results = Results.read([tmp_path / "run"])
    assert summary.title(results) == "Evaluation of 2 methods on 20 photos: d"
    deletion, insertion = summary.conclusions(results)
    assert deletion.startswith("deletion: fido is best (0.3")
    assert "better than rise, the next best, on 20 photos" in deletion
    assert "excludes zero" in deletion
    assert "includes zero" in insertion


def test_conclusion_uses_photos_that_all_configurations_share(write_run, tmp_path) -> None:
    write_run("a")
    write_run("b", methods=("tide",), photos=6)
    results = Results.read([tmp_path / "a", tmp_path / "b"])
    assert "on the 6 photos that all configurations share" in summary.conclusions(results)[0]


def test_conclusion_of_one_configuration_or_of_few_photos(write_run, tmp_path) -> None:
    write_run("one", methods=("fido",))
    (line, _) = summary.conclusions(Results.read([tmp_path / "one"]))
    assert "fido has a mean of 0.3" in line
    write_run("few", photos=3)
    (line, _) = summary.conclusions(Results.read([tmp_path / "few"]))
    assert "on 3 photos (too few photos for an interval, at least 5 are needed)" in line
