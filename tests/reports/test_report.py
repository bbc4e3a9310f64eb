"""The command `unsee report` and the files that it writes."""

import csv
import re

import pytest

from unsee import InputError
from unsee.cli import main
from unsee.reports import html
from unsee.reports.results import Results


@pytest.fixture
def report(write_run, tmp_path, capsys):
    """Folder of a report on two methods."""
    write_run("run")
    assert main(["report", str(tmp_path / "run"), "--out", str(tmp_path / "report")]) == 0
    assert "fido is best" in capsys.readouterr().out
    return tmp_path / "report"


def test_all_formats_have_the_same_numbers(report, tmp_path) -> None:
    results = Results.read([tmp_path / "run"])
    fido, rise = results.configurations
    value = f"{results.mean(fido, 'deletion').value:.3f}"
    for name in ("report.html", "report.md", "report.tex"):
        assert value in (report / name).read_text(), name
    with (report / "report.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4
    pair = results.difference(fido, rise, "deletion")
    assert rows[0]["difference"] == ""
    assert float(rows[0]["mean"]) == pytest.approx(float(value), abs=5e-4)
    assert float(rows[2]["difference"]) == pytest.approx(pair.mean.value)
    assert (float(rows[2]["wins"]), float(rows[2]["seconds"])) == (1.0, 2.0)


def test_page_is_self_contained(report) -> None:
    page = (report / "report.html").read_text()
    assert "<p>Evaluation of 2 methods on 20 photos of d.</p>" in page
    assert "deletion ↓" in page
    assert page.count("<table>") == 2
    assert 'src="data:image/png;base64,' in page
    assert not re.search(r'(src|href)="http', page)


def test_latex_has_both_tables(report, tmp_path) -> None:
    results = Results.read([tmp_path / "run"])
    text = (report / "report.tex").read_text()
    value = f"{results.mean(results.configurations[0], 'deletion').value:.3f}"
    assert rf"\textbf{{{value}}}" in text
    assert text.count(r"\begin{tabular}") == 2
    assert r"100\%" in text


def test_reports_of_few_photos_say_so(write_run, tmp_path) -> None:
    write_run("few", photos=3)
    assert main(["report", str(tmp_path / "few"), "--out", str(tmp_path / "report")]) == 0
    for name in ("report.html", "report.md", "report.tex"):
        assert "too few photos" in (tmp_path / "report" / name).read_text(), name


def test_report_whose_name_was_taken_in_the_meantime(write_run, tmp_path, monkeypatch, capsys):
    write_run("run")
    read, out = Results.read, tmp_path / "report"

    def read_meanwhile(folders):
        out.mkdir()
        return read(folders)

    monkeypatch.setattr(Results, "read", read_meanwhile)
    assert main(["report", str(tmp_path / "run"), "--out", str(out)]) == 0
    assert not list(out.iterdir())
    assert (tmp_path / "report-2" / "report.html").exists()
    assert f"report: {out}-2/report.html\n" in capsys.readouterr().out


def test_report_that_cannot_be_written_is_printed(write_run, tmp_path, monkeypatch, capsys) -> None:
    def fail(*_arguments):
        raise InputError("no page")

    write_run("run")
    monkeypatch.setattr(html, "page", fail)
    assert main(["report", str(tmp_path / "run"), "--out", str(tmp_path / "report")]) == 2
    printed = capsys.readouterr()
    assert "fido is best" in printed.out
    assert "no page" in printed.err


def test_existing_report_is_not_overwritten(report, tmp_path, capsys) -> None:
    assert main(["report", str(tmp_path / "run"), "--out", str(report)]) == 2
    assert "exists already" in capsys.readouterr().err
