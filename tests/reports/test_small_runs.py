"""Reports of runs of one photo to four, and of metrics without a number."""

import re

import pytest

from unsee.cli import main

FORMATS = ("report.md", "report.csv", "report.html", "report.tex")
NO_NUMBER = re.compile(r"\b(?:nan|NaN|inf|None)\b")
METRICS = ("deletion", "insertion", "pointing_game", "scatter")


def without_pictures(text: str) -> str:
    return re.sub(r"data:image/png;base64,[^\"]*|<script>.*</script>|<style>.*</style>", "", text,
                  flags=re.DOTALL)  # fmt: skip


@pytest.mark.parametrize("photos", [1, 2, 3, 4])
@pytest.mark.parametrize("methods", [("fido",), ("fido", "rise"), ("fido", "rise", "random")])
def test_small_runs_show_no_missing_number(photos, methods, write_run, tmp_path, capsys) -> None:
    write_run("run", methods=methods, metrics=METRICS, photos=photos)
    assert main(["report", str(tmp_path / "run"), "--out", str(tmp_path / "out")]) == 0
    shown = {name: (tmp_path / "out" / name).read_text() for name in FORMATS}
    for name, text in {**shown, "terminal": capsys.readouterr().out}.items():
        assert not NO_NUMBER.findall(without_pictures(text)), name


@pytest.mark.parametrize("photos", [1, 3, 20])
def test_metric_without_a_number_is_an_empty_cell(photos, write_run, tmp_path, capsys) -> None:
    write_run("run", photos=photos, missing={"rise": range(photos)}, metrics=METRICS)
    assert main(["report", str(tmp_path / "run"), "--out", str(tmp_path / "out")]) == 0
    shown = {name: (tmp_path / "out" / name).read_text() for name in FORMATS}
    for name, text in {**shown, "terminal": capsys.readouterr().out}.items():
        assert not NO_NUMBER.findall(without_pictures(text)), name
