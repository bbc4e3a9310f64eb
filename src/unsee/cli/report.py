"""`unsee report`: tables of runs as HTML, Markdown, CSV and LaTeX."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import tyro

from unsee.cli import checks, keeping
from unsee.cli.console import print_errors, print_note, say, show_table
from unsee.cli.explain_options import Folder
from unsee.cli.parsing import parse
from unsee.errors import InputError
from unsee.evaluation import paper_tables
from unsee.evaluation.stages import is_staged
from unsee.images.drawing import save_figure
from unsee.output.trackers import Tracker, check_trackers
from unsee.reports import html, markdown, stage_figure, stage_tables, summary, tables
from unsee.reports.figures import figures
from unsee.reports.results import Results
from unsee.reports.stages import StagedResults
from unsee.reports.tracking import track
from unsee.storage.files import write_text
from unsee.storage.folders import new_folder, write_manifest


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """Make tables of one run or several: means with intervals, paired differences, cost.

    Writes report.html (one file with sortable tables), report.md with its figures, report.csv and
    report.tex. For a plan with stages these are a summary, with a picture, summary.png, and each
    stage has a report of its own, STAGE-report.html.
    """

    runs: Annotated[
        tuple[Path, ...],
        tyro.conf.Positional,
        tyro.conf.arg(metavar="RUN ...", help_behavior_hint="(required)"),
    ] = ()
    """Folders that `unsee evaluate` wrote: all runs, or all of plans with stages."""
    plan: Annotated[
        str | None,
        tyro.conf.arg(metavar="PLAN", help_behavior_hint="(default: those of the runs)"),
    ] = None
    """Published numbers, claims and names for the report: the table of a paper, see
    `unsee list tables`, or a TOML file."""
    out: Folder = Path("unsee-report")
    """Folder for the report."""
    tracker: tuple[Tracker, ...] = ()
    """Programs that also get the means, a run for each configuration: tensorboard, wandb or
    trackio. They write to this machine, tensorboard and wandb into OUT-log."""
    overwrite: bool = False
    """Replace existing results."""


def run(arguments: list[str]) -> int:
    """Read the runs, print their conclusions and means, write the report."""
    options = parse(ReportOptions, arguments, "unsee report")
    if not options.runs:
        raise InputError("expected a run, the --out of unsee evaluate; see unsee report --help")
    table = None if options.plan is None else paper_tables.load(options.plan).table
    checks.new_result(options.out, overwrite=options.overwrite)
    check_trackers(options.tracker)
    if any(map(is_staged, options.runs)):
        return _run_stages(options, table)
    results = Results.read(options.runs)
    if table is not None:
        results = replace(results, table=table)
    show_table(tables.means(results), rows=tables.all_numbers(results).values())
    for line in summary.conclusions(results):
        say(f"{line}\n", conclusions=[line])
    _write_result(options, lambda folder: _write(results, folder), "report.html")
    _track({"": results}, options)
    return 0


def _run_stages(options: ReportOptions, table: paper_tables.Table | None) -> int:
    """Write the report of each stage, and one summary; the exit status is 1 if a stage failed."""
    results = StagedResults.read(options.runs, table)
    rows = stage_tables.all_numbers(results).values()
    show_table(stage_tables.terminal(results), rows=rows)
    conclusion = stage_tables.conclusion(results)
    say(f"{conclusion}\n", conclusions=[conclusion])
    for note in (*results.notes, *results.missing()):
        print_note(note)
    status = print_errors(results.errors)
    names = ("report.html", f"{stage_tables.PICTURE}.png")
    _write_result(options, lambda folder: _write_stages(results, folder), *names)
    _track(results.stages, options)
    return status


def _track(stages: Mapping[str, Results], options: ReportOptions) -> None:
    """Log the means of all stages to the trackers."""
    if options.tracker:
        log = Path(f"{options.out}-log")
        for name, results in stages.items():
            track(results, options.tracker, log, name)
        say(f"means logged: {', '.join(options.tracker)}; {log}\n", log=log)


def _write_result(options: ReportOptions, write: Callable[[Path], None], *names: str) -> None:
    """Write the files of a report and its manifest; say where those of these names are."""

    def write_all(out: Path, overwrite: bool) -> None:
        with new_folder(out, overwrite=overwrite) as folder:
            write(folder)
            write_manifest(folder, {"runs": [str(path) for path in options.runs]})

    keeping.write_result(options.out, write_all, "report", overwrite=options.overwrite, files=names)


def _write_stages(results: StagedResults, folder: Path) -> None:
    """Write the reports of all stages, and their summary, into a folder."""
    for name, stage in results.stages.items():
        _write(stage, folder, f"{name}-")
    figure = stage_figure.summary(results)
    for name, content in (
        ("report.html", html.stages_page(results, figure)),
        ("report.md", stage_tables.markdown(results)),
        ("report.csv", stage_tables.all_numbers(results).csv()),
        ("report.tex", stage_tables.means(results).latex()),
    ):
        write_text(folder / name, content)
    save_figure(figure, folder / f"{stage_tables.PICTURE}.png", stage_figure.DPI)


def _write(results: Results, folder: Path, prefix: str = "") -> None:
    """Write a report and its figures into a folder; the names of the files have a prefix."""
    report_figures = figures(results)
    for name, content in (
        ("report.html", html.page(results, report_figures)),
        ("report.md", markdown.markdown(results, list(report_figures), prefix)),
        ("report.csv", tables.all_numbers(results).csv()),
        ("report.tex", markdown.latex(results)),
    ):
        write_text(folder / f"{prefix}{name}", content)
    for name, figure in report_figures.items():
        save_figure(figure, folder / f"{prefix}{name}.png", 110)
