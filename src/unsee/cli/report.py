"""`unsee report`: tables of runs as HTML, Markdown, CSV and LaTeX."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import tyro

from unsee.cli import checks
from unsee.cli.console import say, show_table
from unsee.cli.explain_options import Folder
from unsee.cli.parsing import parse
from unsee.errors import InputError
from unsee.evaluation import paper_tables
from unsee.files import write_text
from unsee.folders import new_folder, write_manifest
from unsee.images.drawing import save_figure
from unsee.reports import html, markdown, summary, tables
from unsee.reports.figures import figures
from unsee.reports.results import Results


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
    """Read the runs, write the report, print its conclusions and means."""
    options = parse(ReportOptions, arguments, "unsee report")
    if not options.runs:
        raise InputError("expected a run, the --out of unsee evaluate; see unsee report --help")
    table = None if options.plan is None else paper_tables.load(options.plan)[1]
    checks.new_result(options.out, overwrite=options.overwrite)
    results = Results.read(options.runs)
    if table is not None:
        results = replace(results, table=table)
    report_figures = figures(results)
    with new_folder(options.out, overwrite=options.overwrite) as folder:
        for name, content in (
            ("report.html", html.page(results, report_figures)),
            ("report.md", markdown.markdown(results, list(report_figures))),
            ("report.csv", tables.all_numbers(results).csv()),
            ("report.tex", markdown.latex(results)),
        ):
            write_text(folder / name, content)
        for name, figure in report_figures.items():
            save_figure(figure, folder / f"{name}.png", 110)
        write_manifest(folder, {"runs": [str(path) for path in options.runs]})
    show_table(tables.means(results))
    for line in summary.conclusions(results):
        say(f"{line}\n")
    say(f"report: {options.out / 'report.html'}\n")
    return 0
