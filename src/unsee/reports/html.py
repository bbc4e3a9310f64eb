"""A report as one HTML file, made from the template `page.html.j2`."""

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from unsee.images.drawing import save_figure
from unsee.output.pages import as_base64, render
from unsee.reports import stage_figure, stage_tables, summary, tables
from unsee.reports.claims import claim_results
from unsee.reports.figures import CAPTIONS
from unsee.reports.results import Results
from unsee.reports.stages import StagedResults

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def page(results: Results, figures: "Mapping[str, Figure]") -> str:
    """Return a self-contained page: conclusions, tables that can be sorted, and figures."""
    return render(
        "unsee.reports",
        title=summary.title(results),
        scope=summary.subtitle(results),
        conclusions=summary.conclusions(results),
        runs=[str(run) for run in results.runs],
        metrics=summary.metric_notes(results),
        sections=_sections(results),
        figures=[_figure(CAPTIONS[name], figure, 110) for name, figure in figures.items()],
    )


def stages_page(results: StagedResults, figure: "Figure") -> str:
    """Return a self-contained page with the summary of several stages."""
    section = {
        "heading": "Means",
        "note": f"{stage_tables.NOTE} Click a heading to sort.",
        "table": stage_tables.means(results),
    }
    return render(
        "unsee.reports",
        title=stage_tables.conclusion(results),
        scope=stage_tables.title(results),
        conclusions=stage_tables.notes(results),
        runs=stage_tables.runs(results),
        metrics=stage_tables.test_notes(results),
        sections=[section],
        figures=[_figure(f"Summary: {stage_tables.CAPTION}", figure, stage_figure.DPI)],
    )


def _sections(results: Results) -> list[dict[str, Any]]:
    """Return the tables with their headings and notes."""
    sections = [
        {
            "heading": "Means",
            "note": f"{summary.table_note(results)} Click a heading to sort.",
            "table": tables.means(results),
        }
    ]
    if tested := claim_results(results):
        note = f"{summary.CLAIMS_NOTE} {summary.tally(tested)}"
        sections.append({"heading": "Claims", "note": note, "table": tables.claims(tested)})
    if differences := tables.differences(results):
        note = summary.DIFFERENCES_NOTE
        sections.append({"heading": "Paired differences", "note": note, "table": differences})
    return sections


def _figure(caption: str, figure: "Figure", dpi: int) -> dict[str, str]:
    """Return a figure as base64; the part of its caption before a colon is its heading."""
    content = io.BytesIO()
    save_figure(figure, content, dpi)
    heading, _, note = caption.partition(": ")
    return {"heading": heading, "note": note, "alt": caption, "data": as_base64(content)}
