"""A report as one file of HTML."""

import base64
import html
import io
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from unsee.evaluation.gallery import gallery, shown
from unsee.evaluation.report import Report
from unsee.evaluation.text import CLAIMS_NOTE, notes

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def page(report: Report) -> str:
    """HTML in one file: the tables, which sort, and a box plot for each metric."""
    rows = []
    for way in report.ways:
        means = [report.mean(way, name) for name in report.metrics]
        forwards, _ = report.passes(way)
        cells = [f"<td>{html.escape(report.label(way))}</td>"]
        cells += [
            f'<td data-v="{m.value}">{m.value:.3f}<small>{m.low:.3f} to {m.high:.3f}, '
            f"n {m.photos}{_paper(report.paper(way, name))}</small></td>"
            for m, name in zip(means, report.metrics, strict=True)
        ]
        cells.append(f'<td data-v="{forwards}">{forwards:.0f}</td>')
        seconds = report.seconds.get(way, 0)
        cells.append(f'<td data-v="{seconds}">{seconds:.2f}</td>')
        rows.append("<tr>" + "".join(cells) + "</tr>")
    heads = ["way", *map(report.headed, report.metrics), "passes", "s/photo"]
    head = "".join(f"<th>{html.escape(name)}</th>" for name in heads)
    about = "".join(f"<p>{html.escape(line)}</p>" for line in report.about)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    return PAGE.format(
        about=about,
        note=notes(report),
        table=table,
        pairs=_pairs(report) + _claims(report),
        plot=_boxes(report) + _curves(report) + _gallery(report),
    )


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
                f"<small>{found.mean.low:+.3f} to {found.mean.high:+.3f}, wins "
                f"{found.wins:.0%}</small></td>"
            )
        rows.append(f"<tr><td>{html.escape(report.label(way))}</td>{''.join(cells)}</tr>")
    head = "".join(f"<th>{html.escape(name)}</th>" for name in ("against", *report.metrics))
    title = f"<h2>{html.escape(report.label(first))} against each other way</h2>"
    note = "<p>Paired over photos; positive means better.</p>"
    return (
        f"{title}{note}<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )


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
            f'<td data-v="{m.value}">{m.value:+.3f}<small>{m.low:+.3f} to {m.high:+.3f}, '
            f'n {m.photos}</small></td><td class="{kinds.get(one.word, "")}">{one.word}</td></tr>'
        )
    head = "".join(f"<th>{name}</th>" for name in ("claim", "metric", "difference", "verdict"))
    return (
        f"<h2>Claims</h2><p>{CLAIMS_NOTE}</p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )


def _boxes(report: Report) -> str:
    """A box for each way, a panel for each metric, as an inline picture."""
    from matplotlib.figure import Figure

    count = len(report.metrics)
    figure = Figure(figsize=(3.4 * count, 0.45 * len(report.ways) + 1.2), layout="constrained")
    axes = figure.subplots(1, count, squeeze=False, sharey=True)[0]
    labels = [report.label(way) for way in report.ways]
    for at, name in zip(axes, report.metrics, strict=True):
        values: list[NDArray[np.float64]] = [
            np.array(list(report.values(way, name).values()) or [np.nan]) for way in report.ways
        ]
        at.boxplot(values, orientation="horizontal", widths=0.6, showmeans=True)
        at.set_yticks(range(1, len(labels) + 1), labels)
        at.set_title(report.headed(name), fontsize=9)
    axes[0].invert_yaxis()  # all share it
    return _inline(figure, "box plots of every metric")


def _curves(report: Report) -> str:
    """A line for each way over the setting that was varied, with its interval."""
    from matplotlib.figure import Figure

    found = report.series
    if not found:
        return ""
    figure = Figure(figsize=(5.2 * len(found), 3.8), layout="constrained")
    for at, one in zip(figure.subplots(1, len(found), squeeze=False)[0], found, strict=True):
        at.set(title=one.name, xlabel=one.setting)
        at.title.set_fontsize(9)
        for way in report.ways:
            means = [report.mean(way, column) for column in one.columns.values()]
            (line,) = at.plot(list(one.columns), [m.value for m in means], label=report.label(way))
            low, high = ([getattr(m, end) for m in means] for end in ("low", "high"))
            at.fill_between(list(one.columns), low, high, alpha=0.12, color=line.get_color())
        at.spines[["top", "right"]].set_visible(False)
    at.legend(frameon=False, fontsize=8)
    return "<h2>Over a setting</h2>" + _inline(figure, "curves over a setting")


def _gallery(report: Report) -> str:
    """The first photos and their maps, where the runs kept them."""
    found = shown(report.folders)
    if not found:
        return ""
    labels = {way: report.label(way) for way in report.ways}
    return "<h2>Maps</h2>" + _inline(gallery(found, labels), "photos and their maps")


def _inline(figure: "Figure", what: str) -> str:
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=110)
    text = base64.b64encode(content.getvalue()).decode()
    return f'<img alt="{what}" src="data:image/png;base64,{text}">'


PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>unsee report</title>
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
<h1>Report</h1>{about}
<p>Means with their 95 % bootstrap interval over photos. {note} A click on a head sorts.</p>
{table}{pairs}<h2>All photos</h2>{plot}
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
