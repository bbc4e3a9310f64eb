"""`unsee report`: runs as tables, a page, CSV and LaTeX."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.table import Table

from unsee.errors import InputError
from unsee.evaluation import paper_tables
from unsee.folders import check_new, new_folder, write_manifest
from unsee.reports import html, markdown
from unsee.reports.figures import figures
from unsee.reports.results import Report


@dataclass(frozen=True)
class ReportOptions:
    """Tables of one run or several: means with intervals, paired differences, cost.

    Writes report.html (one file, its tables sort), report.md with its figures, report.csv and
    report.tex.
    """

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Folders that `unsee evaluate` wrote."""
    plan: str | None = None
    """The table of a paper, or a TOML file, whose numbers, claims and names stand beside the runs'
    own; by default what each was begun with."""
    out: Path = Path("unsee-report")
    """Folder for the report."""
    overwrite: bool = False
    """Replace a report that exists."""


def run(arguments: list[str]) -> int:
    """Read, print, write."""
    chosen = tyro.cli(ReportOptions, prog="unsee report", args=arguments)
    if not chosen.runs:
        raise InputError("expected a run, the --out of unsee evaluate; see unsee report --help")
    check_new(chosen.out, overwrite=chosen.overwrite)
    report = Report.of(chosen.runs)
    if chosen.plan is not None:
        report = replace(report, table=paper_tables.load(chosen.plan)[1])
    drawn = figures(report)
    with new_folder(chosen.out, overwrite=chosen.overwrite) as folder:
        for name, content in (
            ("report.html", html.page(report, drawn)),
            ("report.md", markdown.markdown(report, list(drawn))),
            ("report.csv", markdown.as_csv(report)),
            ("report.tex", markdown.latex(report)),
        ):
            (folder / name).write_text(content, encoding="utf-8")
        for name, figure in drawn.items():
            figure.savefig(folder / f"{name}.png", dpi=110)
        write_manifest(folder, {"runs": [str(path) for path in chosen.runs]})
    Console().print(_table(report))
    sys.stdout.write(f"report: {chosen.out / 'report.html'}\n")
    return 0


def _table(report: Report) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("", overflow="fold")
    for name in ("photos", *report.metrics, "passes", "s/photo"):
        table.add_column(name.replace(":", ":\n"), justify="right", overflow="fold")
    for way in report.ways:
        means = [report.mean(way, name) for name in report.metrics]
        table.add_row(
            report.label(way),
            str(max(mean.photos for mean in means)),
            *(f"{mean.value:.3f}" for mean in means),
            f"{report.passes(way)[0]:.0f}",
            f"{report.seconds.get(way, 0):.2f}",
        )
    return table
