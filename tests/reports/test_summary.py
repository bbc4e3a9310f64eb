"""Titles and conclusions."""

import re

from unsee.reports import html, summary
from unsee.reports.markdown import markdown
from unsee.reports.results import Results


def test_conclusion_names_the_best_and_its_margin(write_run, tmp_path) -> None:
    write_run("run")
    results = Results.read([tmp_path / "run"])
    assert summary.scope(results) == "Evaluation of 2 methods on 20 photos of d"
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


def titles(write_run, tmp_path, name, **options) -> str:
    write_run(name, **options)
    return summary.title(Results.read([tmp_path / name]))


def test_title_says_what_is_best_by_how_much_on_which_photos(write_run, tmp_path) -> None:
    one = titles(write_run, tmp_path, "one", metrics=("deletion",))
    assert re.fullmatch(
        r"fido has the best deletion \(0\.\d{3}, 0\.\d{3} better than rise\), on 20 photos of d",
        one,
    )
    two = titles(write_run, tmp_path, "two")
    assert re.fullmatch(
        r"fido is best in 1 of 2 metrics \(deletion: 0\.\d{3} better than rise\), "
        r"none clearly in 1, on 20 photos of d", two
    )  # fmt: skip
    unclear = titles(write_run, tmp_path, "unclear", metrics=("insertion",))
    assert re.fullmatch(
        r"No configuration is clearly best \(insertion: \w+ is 0\.\d{3} better than \w+; the "
        r"interval includes zero\), on 20 photos of d", unclear
    )  # fmt: skip
    few = titles(write_run, tmp_path, "few", photos=3, metrics=("deletion",))
    assert few.startswith("No configuration is clearly best (deletion: fido is 0.")
    assert few.endswith("better than rise; too few photos), on 3 photos of d")
    alone = titles(write_run, tmp_path, "alone", methods=("fido",), metrics=("deletion",))
    assert re.fullmatch(
        r"fido has a mean deletion of 0\.\d{3} \[0\.\d{3}, 0\.\d{3}\] on 20 photos of d", alone
    )


def test_title_of_methods_that_are_equally_good_or_share_no_photo(write_run, tmp_path) -> None:
    scope = "Evaluation of 2 methods on 4 photos of d"
    some = titles(write_run, tmp_path, "s", metrics=("deletion",), missing={"rise": range(8)})
    assert "better than rise on the 12 that all share), on 20 photos of d" in some
    missing = {"fido": (0, 1), "rise": (2, 3)}
    apart = titles(write_run, tmp_path, "a", photos=4, metrics=("deletion",), missing=missing)
    assert apart == f"{scope}; no metric compares all of them"


def test_report_begins_with_the_title(write_run, tmp_path) -> None:
    write_run("run")
    results = Results.read([tmp_path / "run"])
    title = summary.title(results)
    first, _, second, *_ = markdown(results).splitlines()
    assert first == f"# {title}"
    assert second == "Evaluation of 2 methods on 20 photos of d."
    text = html.page(results, {})
    assert f"<title>{title}</title>" in text
    assert f"<h1>{title}</h1>" in text
