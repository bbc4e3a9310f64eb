"""`unsee report`: tables of runs as HTML, Markdown, CSV and LaTeX."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.table import Table

from unsee.cli.explain_options import Folder
from unsee.cli.parsing import parse
from unsee.errors import InputError
from unsee.evaluation import paper_tables
from unsee.folders import check_new, new_folder, write_manifest
from unsee.reports import html, markdown
from unsee.reports.figures import figures
from unsee.reports.results import Report


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """Make tables of one run or several: means with intervals, paired differences, cost.

    Writes report.html (one file with sortable tables), report.md with its figures, report.csv and
    report.tex.
    """

    runs: Annotated[
        tuple[Path, ...],
        tyro.conf.Positional,
        tyro.conf.arg(metavar="RUN ...", help_behavior_hint="(required)"),
    ] = ()
    """Folders that `unsee evaluate` wrote."""
    plan: Annotated[
        str | None,
        tyro.conf.arg(metavar="PLAN", help_behavior_hint="(default: those of the runs)"),
    ] = None
    """Published numbers, claims and names for the report: the table of a paper, see
    `unsee list tables`, or a TOML file."""
    out: Folder = Path("unsee-report")
    """Folder for the report."""
    overwrite: bool = False
    """Replace existing results."""


def run(arguments: list[str]) -> int:
    """Read the runs, write the report and print its main table."""
    options = parse(ReportOptions, arguments, "unsee report")
    if not options.runs:
        raise InputError("expected a run, the --out of unsee evaluate; see unsee report --help")
    table = None if options.plan is None else paper_tables.load(options.plan)[1]
    check_new(options.out, overwrite=options.overwrite)
    report = Report.of(options.runs)
    if table is not None:
        report = replace(report, table=table)
    drawn = figures(report)
    with new_folder(options.out, overwrite=options.overwrite) as folder:
        for name, content in (
            ("report.html", html.page(report, drawn)),
            ("report.md", markdown.markdown(report, list(drawn))),
            ("report.csv", markdown.as_csv(report)),
            ("report.tex", markdown.latex(report)),
        ):
            (folder / name).write_text(content, encoding="utf-8")
        for name, figure in drawn.items():
            figure.savefig(folder / f"{name}.png", dpi=110)
        write_manifest(folder, {"runs": [str(path) for path in options.runs]})
    Console().print(_table(report))
    sys.stdout.write(f"report: {options.out / 'report.html'}\n")
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
