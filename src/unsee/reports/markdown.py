"""A report as Markdown, CSV and LaTeX."""

import csv
import io
import math
from collections.abc import Sequence

from unsee.evaluation.plan import metric_of
from unsee.metrics import _curves
from unsee.registry import parse, summary
from unsee.reports.bootstrap import Mean
from unsee.reports.columns import KEYS
from unsee.reports.results import Difference, Report
from unsee.reports.sweeps import CHOSEN, TUNED

NOTE = (
    "Passes: forwards (of which with gradient) for a map. s/photo: map and metrics, on the machine "
    "of the run."
)
TUNED_NOTE = (
    f"alpha={TUNED}: every photo's number at the alpha that was best for its way on the other half "
    "of the photos."
)
CLAIMS_NOTE = "What the paper claims, paired over photos; positive: as claimed."
CSV = (
    "metric", "higher_is_better", "mean", "low", "high", "photos", "difference", "difference_low",
    "difference_high", "wins", "forwards", "backwards", "seconds",
)  # fmt: skip
"""Columns after the way."""
CAPTIONS = {
    "boxes": "All photos, a box for each way; the triangle is the mean",
    "curves": "Over a setting, with 95 % intervals",
    "maps": "The first photos and their maps",
}
"""Of figures by name."""


def notes(report: Report) -> str:
    """What the columns mean."""
    return f"{TUNED_NOTE} {NOTE}" if any(TUNED in name for name in report.metrics) else NOTE


def title(report: Report) -> str:
    """What the runs are tables of."""
    return report.table.summary or "Report"


def measured(report: Report) -> list[str]:
    """A line for each metric: what it is, and the rule it was taken by."""
    lines = []
    for name in report.metrics:
        spec = parse("metrics", name)
        part, settings = spec.name, spec.settings
        if settings.get(CHOSEN) == TUNED:
            del settings[CHOSEN]
        protocol = getattr(metric_of(part), "protocol", None)
        chosen = _curves.PROTOCOLS.get(str(settings.get("protocol", protocol)))
        rule = f" Protocol {chosen.name}: {chosen.summary}." if chosen else ""
        lines.append(f"{report.headed(name)}: {summary('metrics', part).rstrip('.')}.{rule}")
    return lines


def tally(report: Report) -> str:
    """How many claims hold."""
    words = [one.word for one in report.verdicts]
    kinds = ("holds", "does not hold", "not significant")
    counted = ", ".join(f"{words.count(kind)} {kind}" for kind in kinds)
    return f"Of {len(words)} comparisons: {counted}."


def markdown(report: Report, figures: Sequence[str] = ()) -> str:
    """All tables, what was run and how it was measured; figures are files NAME.png beside it."""
    lines = [f"# {title(report)}", "", *report.about, ""]
    lines += [f"- {line}" for line in measured(report)]
    lines += ["", "Mean [95 % bootstrap interval over photos].", ""]
    lines += _means(report) + _claims(report) + _pairs(report)
    lines += ["", notes(report)]
    for name in figures:
        lines += ["", f"![{CAPTIONS[name]}]({name}.png)", "", f"*{CAPTIONS[name]}.*"]
    return "\n".join(lines) + "\n"


def _means(report: Report) -> list[str]:
    heads = [report.headed(name) for name in report.metrics]
    lines = table_head(["way", "photos", *heads, "passes", "s/photo"])
    for way in report.ways:
        means = [report.mean(way, name) for name in report.metrics]
        forwards, backwards = report.passes(way)
        cost = [f"{forwards:.0f} ({backwards:.0f})", f"{report.seconds.get(way, 0):.2f}"]
        photos = str(max(mean.photos for mean in means))
        papers = (report.paper(way, name) for name in report.metrics)
        cells = [
            str(mean) + ("" if value is None else f" (paper {value:g})")
            for mean, value in zip(means, papers, strict=True)
        ]
        lines.append(table_row([report.label(way), photos, *cells, *cost]))
    return lines


def _pairs(report: Report) -> list[str]:
    first, *others = report.ways
    if not others:
        return []
    lines = ["", f"{report.label(first)} against each other way, paired; positive: better.", ""]
    lines += table_head(["against", *report.metrics])
    for way in others:
        found = [report.difference(first, way, name) for name in report.metrics]
        lines.append(table_row([report.label(way), *map(_told, found)]))
    return lines


def _claims(report: Report) -> list[str]:
    if not report.verdicts:
        return []
    lines = ["", f"{CLAIMS_NOTE} {tally(report)}", ""]
    lines += table_head(["claim", "metric", "photos", "difference", "verdict", "source"])
    for one in report.verdicts:
        mean = one.difference.mean
        value = f"{mean.value:+.3f} [{mean.low:+.3f}, {mean.high:+.3f}]"
        row = [one.told, one.metric, str(mean.photos), value, f"**{one.word}**", one.claim.source]
        lines.append(table_row(row))
    return lines


def as_csv(report: Report) -> str:
    """A line for each way and metric, series included; the difference is the first way's lead."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([*KEYS, *CSV])
    first = report.ways[0]
    for way in report.ways:
        cost = [*report.passes(way), report.seconds.get(way, 0.0)]
        for name in dict.fromkeys([*report.metrics, *report.columns]):
            higher = report.higher_is_better(name)
            off = report.difference(first, way, name)
            pair = [*off.mean[:3], off.wins] if way != first else [""] * 4
            writer.writerow([*way, name, higher, *report.mean(way, name), *pair, *cost])
    return out.getvalue()


def latex(report: Report) -> str:
    """Two tables for booktabs: means, the best in bold, with cost; the first way against others."""
    text = _tabular(["", *report.metrics, "passes", "s/photo"], _cells(report))
    first, *others = report.ways
    if not others:
        return text
    pairs = []
    for way in others:
        found = [report.difference(first, way, name) for name in report.metrics]
        told = (f"{one.mean.value:+.3f}{_small(one.mean, '+')}, {one.wins:.0%}" for one in found)
        pairs.append([_escaped(report.label(way)), *(cell.replace("%", r"\%") for cell in told)])
    against = [f"{report.label(first)} against", *report.metrics]
    return f"{text}\n% paired differences, positive: better; share of photos won\n" + _tabular(
        against, pairs
    )


def _cells(report: Report) -> list[list[str]]:
    """A row for each way, the best of a metric in bold."""
    best = {}
    for name in report.metrics:
        sign = 1 if report.higher_is_better(name) else -1
        best[name] = max(report.ways, key=lambda way: sign * report.mean(way, name).value)
    rows = []
    for way in report.ways:
        cells = [_escaped(report.label(way))]
        for name in report.metrics:
            mean = report.mean(way, name)
            text = f"{mean.value:.3f}"
            text = rf"\textbf{{{text}}}" if best[name] == way else text
            cells.append(text + _small(mean))
        forwards, backwards = report.passes(way)
        seconds = f"{report.seconds.get(way, 0):.2f}"
        rows.append([*cells, f"{forwards:.0f} ({backwards:.0f})", seconds])
    return rows


def _tabular(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [
        r"\begin{tabular}{l" + "r" * (len(heads) - 1) + "}",
        r"\toprule",
        " & ".join(map(_escaped, heads)) + r" \\",
        r"\midrule",
        *(" & ".join(row) + r" \\" for row in rows),
    ]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _small(mean: Mean, sign: str = "") -> str:
    """The interval, where it is known."""
    if not math.isfinite(mean.low):
        return ""
    return rf" {{\scriptsize [{mean.low:{sign}.3f}, {mean.high:{sign}.3f}]}}"


def _told(found: Difference) -> str:
    low, high = found.mean.low, found.mean.high
    return f"{found.mean.value:+.3f} ({low:+.3f} to {high:+.3f}), {found.wins:.0%}, {found.verdict}"


def table_head(names: Sequence[str]) -> list[str]:
    """The two lines that begin a table of Markdown."""
    return [table_row(names), "|" + "---|" * len(names)]


def table_row(values: Sequence[str]) -> str:
    """A line of one."""
    return "| " + " | ".join(value.replace("|", "\\|") for value in values) + " |"


def _escaped(text: str) -> str:
    for sign in "&%$#_{}":
        text = text.replace(sign, "\\" + sign)
    return text
