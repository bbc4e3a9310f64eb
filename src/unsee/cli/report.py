"""`unsee report`: write the results of runs as HTML, Markdown, CSV and LaTeX."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from unsee.errors import InputError
from unsee.evaluation import paper_tables
from unsee.folders import check_new, new_folder, write_manifest
from unsee.reports import html, markdown, summary, tables
from unsee.reports.figures import figures
from unsee.reports.results import Results


@dataclass(frozen=True)
class ReportOptions:
    """Report one or several runs: means with intervals, paired differences, cost.

    Writes report.html (one file with sortable tables), report.md with its figures, report.csv and
    report.tex.
    """

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Folders that `unsee evaluate` wrote."""
    plan: str | None = None
    """A paper's table (see `unsee list tables`) or a TOML file, whose published numbers, claims and
    names are compared with the runs; by default the plan of each run."""
    out: Path = Path("unsee-report")
    """Folder for the report."""
    overwrite: bool = False
    """Replace a report that exists."""


def run(arguments: list[str]) -> int:
    """Read the runs, write the report, print its conclusions and means."""
    options = tyro.cli(ReportOptions, prog="unsee report", args=arguments)
    if not options.runs:
        raise InputError("expected the folder of a run (--out of unsee evaluate), got none")
    check_new(options.out, overwrite=options.overwrite)
    results = Results.read(options.runs)
    if options.plan is not None:
        results = replace(results, table=paper_tables.load(options.plan)[1])
    drawn = figures(results)
    with new_folder(options.out, overwrite=options.overwrite) as folder:
        for name, content in (
            ("report.html", html.page(results, drawn)),
            ("report.md", markdown.markdown(results, list(drawn))),
            ("report.csv", tables.all_numbers(results).csv()),
            ("report.tex", markdown.latex(results)),
        ):
            (folder / name).write_text(content, encoding="utf-8")
        for name, figure in drawn.items():
            figure.savefig(folder / f"{name}.png", dpi=110)
        write_manifest(folder, {"runs": [str(path) for path in options.runs]})
    Console().print(tables.means(results).terminal())
    for line in summary.conclusions(results):
        sys.stdout.write(f"{line}\n")
    sys.stdout.write(f"report: {options.out / 'report.html'}\n")
    return 0
