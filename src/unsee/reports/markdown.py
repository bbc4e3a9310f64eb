"""A report as a Markdown document and as LaTeX tables."""

from collections.abc import Iterable, Sequence

from unsee.output import escaping
from unsee.reports import summary, tables
from unsee.reports.claims import claim_results
from unsee.reports.figures import CAPTIONS
from unsee.reports.results import Results


def markdown(results: Results, figures: Sequence[str] = (), prefix: str = "") -> str:
    """Return the report as Markdown; figures are files PREFIXNAME.png in the same folder."""
    blocks = [
        f"# {escaping.markdown(summary.title(results))}",
        f"{escaping.markdown_line(summary.subtitle(results))}.",
        "\n\n".join(f"**{escaping.markdown(line)}**" for line in summary.conclusions(results)),
        *(escaping.markdown_line(str(run)) for run in results.runs),
        "## Metrics",
        _list(summary.metric_notes(results)),
        "## Means",
        summary.table_note(results),
        tables.means(results).markdown(),
        *_claims(results),
        *_differences(results),
    ]
    blocks += [
        f"![{CAPTIONS[name]}]({prefix}{name}.png)\n\n*{CAPTIONS[name]}.*" for name in figures
    ]
    return "\n\n".join(block.strip() for block in blocks) + "\n"


def latex(results: Results) -> str:
    """Return two tables for booktabs: means with cost, and paired differences."""
    text = tables.means(results).latex()
    differences = tables.differences(results)
    if differences is None:
        return text
    return f"{text}\n% {summary.DIFFERENCES_NOTE.replace('%', 'percent')}\n{differences.latex()}"


def _claims(results: Results) -> list[str]:
    tested = claim_results(results)
    if not tested:
        return []
    note = f"{summary.CLAIMS_NOTE} {summary.tally(tested)}"
    return ["## Claims", note, tables.claims(tested).markdown()]


def _differences(results: Results) -> list[str]:
    table = tables.differences(results)
    if table is None:
        return []
    return ["## Paired differences", summary.DIFFERENCES_NOTE, table.markdown()]


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {escaping.markdown_line(line)}" for line in lines)
