"""A report as one file of HTML."""

import base64
import html
import io
import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from unsee.reports.bootstrap import Mean
from unsee.reports.markdown import CAPTIONS, CLAIMS_NOTE, measured, notes, tally, title
from unsee.reports.results import Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def page(report: Report, figures: "Mapping[str, Figure]") -> str:
    """HTML in one file: the tables, which sort, and the figures."""
    rows = []
    for way in report.ways:
        means = [report.mean(way, name) for name in report.metrics]
        forwards, _ = report.passes(way)
        cells = [f"<td>{html.escape(report.label(way))}</td>"]
        cells += [
            f'<td data-v="{m.value}">{m.value:.3f}<small>{_sure(m)}'
            f"{_paper(report.paper(way, name))}</small></td>"
            for m, name in zip(means, report.metrics, strict=True)
        ]
        cells.append(f'<td data-v="{forwards}">{forwards:.0f}</td>')
        seconds = report.seconds.get(way, 0)
        cells.append(f'<td data-v="{seconds}">{seconds:.2f}</td>')
        rows.append("<tr>" + "".join(cells) + "</tr>")
    heads = ["way", *map(report.headed, report.metrics), "passes", "s/photo"]
    about = "".join(f"<p>{html.escape(line)}</p>" for line in report.about)
    return PAGE.format(
        title=html.escape(title(report)),
        about=about,
        measured="".join(f"<li>{html.escape(line)}</li>" for line in measured(report)),
        note=notes(report),
        table=_table(heads, rows),
        pairs=_pairs(report) + _claims(report),
        plot="".join(
            f"<h2>{CAPTIONS[name]}</h2>{_inline(figure, CAPTIONS[name])}"
            for name, figure in figures.items()
        ),
    )


def _table(heads: Sequence[str], rows: Sequence[str]) -> str:
    """Heads may break where a metric's settings begin."""
    broken = (re.sub(r"([:,])", r"\1<wbr>", html.escape(name)) for name in heads)
    head = "".join(f"<th>{name}</th>" for name in broken)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _sure(mean: Mean, sign: str = "") -> str:
    """The interval, where it is known, and of how many photos."""
    if not math.isfinite(mean.low):
        return f"n {mean.photos}"
    return f"{mean.low:{sign}.3f} to {mean.high:{sign}.3f}, n {mean.photos}"


def _paper(value: float | None) -> str:
    return "" if value is None else f"; paper {value:g}"


def _pairs(report: Report) -> str:
    first, *others = report.ways
    if not others:
        return ""
    rows = []
    for way in others:
        cells = []
        for name in report.metrics:
            found = report.difference(first, way, name)
            kind = found.verdict.split()[0]
            cells.append(
                f'<td class="{kind}" data-v="{found.mean.value}">{found.mean.value:+.3f}'
                f"<small>{_sure(found.mean, '+')}, wins {found.wins:.0%}</small></td>"
            )
        rows.append(f"<tr><td>{html.escape(report.label(way))}</td>{''.join(cells)}</tr>")
    title = f"<h2>{html.escape(report.label(first))} against each other way</h2>"
    note = "<p>Paired over photos; positive means better.</p>"
    return f"{title}{note}{_table(('against', *report.metrics), rows)}"


def _claims(report: Report) -> str:
    """What the paper says of these ways, and what the rows say."""
    if not report.verdicts:
        return ""
    kinds = {"holds": "better", "does not hold": "worse"}
    rows = []
    for one in report.verdicts:
        m = one.difference.mean
        told, source = html.escape(one.told), html.escape(one.claim.source)
        rows.append(
            f"<tr><td>{told}<small>{source}</small></td><td>{html.escape(one.metric)}</td>"
            f'<td data-v="{m.value}">{m.value:+.3f}<small>{_sure(m, "+")}</small></td>'
            f'<td class="{kinds.get(one.word, "")}">{one.word}</td></tr>'
        )
    return (
        f"<h2>Claims</h2><p>{CLAIMS_NOTE} {tally(report)}</p>"
        f"{_table(('claim', 'metric', 'difference', 'verdict'), rows)}"
    )


def _inline(figure: "Figure", what: str) -> str:
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=110)
    text = base64.b64encode(content.getvalue()).decode()
    return f'<img alt="{what}" src="data:image/png;base64,{text}">'


PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 78rem; padding: 0 1rem;
  color: #1c1c1e; background: #fdfcfa }}
table {{ border-collapse: collapse; margin: 1rem 0 2rem }}
th, td {{ padding: .45rem .8rem; text-align: right; border-bottom: 1px solid #e4e0d8 }}
th:first-child, td:first-child {{ text-align: left }}
th {{ cursor: pointer; user-select: none }}
small {{ display: block; color: #6d6a64; font-size: 11px }}
.better {{ background: #e6f3e6 }} .worse {{ background: #fae6e2 }}
img {{ max-width: 100% }}
</style>
<h1>{title}</h1>{about}<h2>Measured</h2><ul>{measured}</ul>
<p>Means with their 95 % bootstrap interval over photos. {note} A click on a head sorts.</p>
{table}{pairs}{plot}
<script>
document.querySelectorAll("th").forEach(head => head.onclick = () => {{
  const body = head.closest("table").tBodies[0], at = head.cellIndex;
  const down = head.dataset.down !== "1";
  head.dataset.down = down ? "1" : "";
  const value = row => {{ const cell = row.cells[at], v = cell.dataset.v;
    return v === undefined ? cell.textContent : Number(v) }};
  [...body.rows].sort((a, b) => {{ const x = value(a), y = value(b);
    return (x > y ? 1 : x < y ? -1 : 0) * (down ? 1 : -1) }}).forEach(row => body.append(row));
}});
</script></html>
"""
