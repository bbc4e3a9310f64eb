"""Several explanations of one photo side by side: a picture and a table."""

import csv
import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from rich.text import Text

from unsee.folders import new_folder, write_manifest
from unsee.images.drawing import FAINT, INK, PAPER, overlay, show, to_pixels
from unsee.images.reading import PhotoFile
from unsee.metrics import _curves
from unsee.metrics.lateness import Lateness
from unsee.study import Study
from unsee.types import Images, Saliency

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = ("deletion", "insertion", "area", "seconds", "forwards", "backwards")
PROTOCOL, AREA_PROTOCOL = "rise", "igos"
NOTE = (
    f"deletion, insertion: areas under protocol {PROTOCOL}; area: share of the pixels, best first, "
    f"that brings half of the probability back ({AREA_PROTOCOL})"
)


@dataclass(frozen=True, eq=False)
class Entry:
    """One way to explain the photo, and what came of it."""

    row: str
    column: str
    saliency: Saliency | None = None
    """(1, h, w); None where it failed."""
    numbers: dict[str, float] | None = None
    """By the names of `COLUMNS`, and `stability` where it was asked for."""
    error: str = ""
    provenance: dict[str, Any] | None = None


@torch.no_grad()
def rated(study: Study, row: str, column: str, **more: float) -> Entry:
    """A finished study of one photo as an entry."""
    explanation, protocol = study.explanation, _curves.PROTOCOLS[PROTOCOL]
    cost = explanation.provenance["cost"]
    deletion = _curves.curve(study.score, explanation.saliency, protocol, "deletion")
    insertion = _curves.curve(study.score, explanation.saliency, protocol, "insertion")
    area = Lateness(AREA_PROTOCOL).rate(study.score, explanation.saliency)
    numbers = {
        "deletion": protocol.area(deletion).item(),
        "insertion": protocol.area(insertion).item(),
        "area": area.item(),
        "seconds": cost["seconds"],
        "forwards": cost["forwards"],
        "backwards": cost["backwards"],
    }
    return Entry(
        row, column, explanation.saliency, numbers | more, provenance=explanation.provenance
    )


def figure(image: Images, title: str, entries: list[Entry]) -> "Figure":
    """The photo, then a row for each row and a picture for each column of the entries."""
    from matplotlib.figure import Figure

    rows, columns = (
        list(dict.fromkeys(names)) for names in zip(*map(_place, entries), strict=True)
    )
    size = (2.5 * (len(columns) + 1) + 0.6, 2.75 * len(rows) + 0.9)
    drawing = Figure(figsize=size, layout="constrained", facecolor=PAPER)
    axes = drawing.subplots(len(rows), len(columns) + 1, squeeze=False)
    for at in axes.flat:
        at.set_axis_off()
    show(axes[0, 0], to_pixels(image[0]))
    axes[0, 0].set_title("the photo", color=INK, fontsize=11)
    for entry in entries:
        at = axes[rows.index(entry.row), columns.index(entry.column) + 1]
        at.set_title(f"{entry.row}  {entry.column}".strip(), color=INK, fontsize=11)
        if entry.saliency is None or entry.numbers is None:
            at.text(0.5, 0.5, entry.error, wrap=True, ha="center", va="center", color=FAINT)
            continue
        show(at, overlay(image[0], entry.saliency[0]))
        at.text(
            0.5, -0.04, _caption(entry.numbers), transform=at.transAxes, ha="center", va="top",
            color=FAINT, fontsize=8.5,
        )  # fmt: skip
    drawing.suptitle(title, color=INK, fontsize=14, x=0.01, ha="left")
    return drawing


def as_strip(entries: list[Entry]) -> list[Entry]:
    """Rows as columns: a strip reads from left to right."""
    return [replace(entry, row=entry.column, column=entry.row) for entry in entries]


def _place(entry: Entry) -> tuple[str, str]:
    return entry.row, entry.column


def _caption(numbers: dict[str, float]) -> str:
    words = f"deletion {numbers['deletion']:.2f}   insertion {numbers['insertion']:.2f}"
    return f"{words}   stability {numbers['stability']:.2f}" if "stability" in numbers else words


def records(entries: list[Entry], heads: tuple[str, str]) -> list[dict[str, str]]:
    """One plain row for each entry; `heads` name what rows and columns stand for."""
    more = ["stability"] if any("stability" in (e.numbers or {}) for e in entries) else []
    found = []
    for entry in entries:
        numbers = entry.numbers or {}
        values = {name: _plain(name, numbers.get(name)) for name in (*COLUMNS, *more)}
        places = {head: value for head, value in zip(heads, _place(entry), strict=True) if head}
        found.append({**places, **values, "error": entry.error})
    return found


def _plain(name: str, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if name in {"forwards", "backwards"} else f"{value:.3f}"


def as_csv(rows: list[dict[str, str]]) -> str:
    """The table for a spreadsheet."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def as_markdown(rows: list[dict[str, str]]) -> str:
    """The table for a README."""
    shown = _without_empty(rows)
    lines = [list(shown[0]), ["---"] * len(shown[0]), *(list(row.values()) for row in shown)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines) + f"\n{NOTE}\n"


def as_table(rows: list[dict[str, str]]) -> Table:
    """The table for a terminal, forward and backward passes in one column."""
    shown = [_with_passes(row) for row in _without_empty(rows)]
    table = Table(box=None, pad_edge=False, caption=NOTE, caption_justify="left")
    for name in shown[0]:
        number = name in (*COLUMNS, "stability", "passes")
        table.add_column(name, justify="right" if number else "left", no_wrap=name != "error")
    for row in shown:
        table.add_row(*(Text(value) for value in row.values()))
    return table


def _with_passes(row: dict[str, str]) -> dict[str, str]:
    passes = f"{row['forwards']}+{row['backwards']}" if row["forwards"] else ""
    rest = {k: v for k, v in row.items() if k not in {"forwards", "backwards", "error"}}
    return rest | {"passes": passes} | {k: v for k, v in row.items() if k == "error"}


def _without_empty(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Without the column of errors where there are none."""
    failed = any(row["error"] for row in rows)
    return rows if failed else [{k: v for k, v in row.items() if k != "error"} for row in rows]


def write(
    folder: Path,
    photo: PhotoFile,
    image: Images,
    title: str,
    entries: list[Entry],
    rows: list[dict[str, str]],
    *,
    overwrite: bool = False,
) -> None:
    """Write comparison.png, the table three times, maps.npz and, last, manifest.json."""
    text = io.StringIO()
    Console(file=text, width=200).print(as_table(rows))
    with new_folder(folder, overwrite=overwrite) as unfinished:
        figure(image, title, entries).savefig(unfinished / "comparison.png", dpi=130)
        for name, content in (
            ("table.txt", text.getvalue()),
            ("table.csv", as_csv(rows)),
            ("table.md", as_markdown(rows)),
        ):
            (unfinished / name).write_text(content, encoding="utf-8")
        maps: dict[str, Any] = {
            f"{entry.row} {entry.column}".strip(): entry.saliency[0].cpu().numpy()
            for entry in entries
            if entry.saliency is not None
        }
        np.savez_compressed(unfinished / "maps.npz", **maps)
        made = [entry.provenance for entry in entries if entry.provenance]
        write_manifest(
            unfinished,
            {"input": {"path": photo.path, "sha256": photo.sha256}, "rows": rows, "maps": made},
        )
