"""A report as one HTML file, made from the template `page.html.j2`."""

import base64
import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from unsee.images.drawing import save_figure
from unsee.reports import summary, tables
from unsee.reports.claims import claim_results
from unsee.reports.figures import CAPTIONS
from unsee.reports.results import Results

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def page(results: Results, figures: "Mapping[str, Figure]") -> str:
    """Return a self-contained page: conclusions, tables that can be sorted, and figures."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("unsee.reports", ""), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True,
    )  # fmt: skip
    return environment.get_template("page.html.j2").render(
        title=summary.title(results),
        scope=summary.scope(results),
        conclusions=summary.conclusions(results),
        runs=[str(run) for run in results.runs],
        metrics=summary.metric_notes(results),
        sections=_sections(results),
        figures=[_figure(CAPTIONS[name], figure) for name, figure in figures.items()],
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


def _figure(caption: str, figure: "Figure") -> dict[str, str]:
    """Return a figure as base64; the part of its caption before a colon is its heading."""
    content = io.BytesIO()
    save_figure(figure, content, 110)
    heading, _, note = caption.partition(": ")
    data = base64.b64encode(content.getvalue()).decode()
    return {"heading": heading, "note": note, "alt": caption, "data": data}
