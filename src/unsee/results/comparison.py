"""Compare several explanations of one photo: a picture and a table."""

import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from rich.console import Console

from unsee.images.drawing import (
    BACKGROUND_COLOUR,
    MUTED_COLOUR,
    TEXT_COLOUR,
    drawable,
    overlay,
    save_figure,
    show,
    to_pixels,
)
from unsee.images.reading import PhotoFile
from unsee.metrics import _curves
from unsee.metrics.lateness import Lateness
from unsee.output.table import Column, Table, Value
from unsee.results.comparison_page import comparison_page
from unsee.storage.arrays import write_arrays
from unsee.storage.files import write_text
from unsee.storage.folders import new_folder, write_manifest
from unsee.study import Study
from unsee.types import Images, Saliency

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PROTOCOL = "rise"
"""Protocol of deletion and insertion."""
AREA_PROTOCOL = "igos"
"""Protocol of the area."""
FORMATS = {
    "deletion": ".3f", "insertion": ".3f", "area": ".3f", "seconds": ".3f", "forwards": ".0f",
    "backwards": ".0f",
}  # fmt: skip
"""Measurements of an explanation, and the formats of their numbers."""
STABILITY = "stability"
"""A further measurement of explanations that were computed with several seeds."""
STABILITIES = {"spearman": STABILITY, "ssim": "stability_ssim", "hog": "stability_hog"}
"""All measurements of such explanations, by the measure of similarity."""
NOTE = (
    f"deletion, insertion: areas under protocol {PROTOCOL}; area: share of the pixels, most "
    f"important first, that restores half of the probability (protocol {AREA_PROTOCOL})"
)
TERMINAL_WIDTH = 200
"""Characters in a line of table.txt."""


@dataclass(frozen=True, eq=False)
class Entry:
    """An explanation of the photo with its measurements, or the error that prevented it."""

    row: str
    """Name of its row in the picture."""
    column: str
    """Name of its column in the picture."""
    saliency: Saliency | None = None
    """Map (1, h, w), if there is one."""
    measurements: dict[str, float] | None = None
    """Numbers by the names of `FORMATS`, and of `STABILITIES` for several seeds."""
    error: str = ""
    """Error message in place of the map."""
    provenance: dict[str, Any] | None = None

    @property
    def title(self) -> str:
        """The row and the column."""
        return f"{self.row}  {self.column}".strip()


@torch.no_grad()
def measure_study(study: Study, row: str, column: str, **measurements: float) -> Entry:
    """Return a finished study of one photo as an entry, with further measurements."""
    explanation, protocol = study.explanation, _curves.PROTOCOLS[PROTOCOL]
    cost = explanation.provenance["cost"]
    with study.mode():
        deletion = _curves.curve(study.score, explanation.saliency, protocol, "deletion")
        insertion = _curves.curve(study.score, explanation.saliency, protocol, "insertion")
        area = Lateness(AREA_PROTOCOL).rate(study.score, explanation.saliency)
    values = {
        "deletion": protocol.area(deletion).item(),
        "insertion": protocol.area(insertion).item(),
        "area": area.item(),
        "seconds": cost["seconds"],
        "forwards": cost["forwards"],
        "backwards": cost["backwards"],
    }
    saliency, provenance = explanation.saliency, explanation.provenance
    return Entry(row, column, saliency, values | measurements, provenance=provenance)


def figure(image: Images, title: str, entries: list[Entry]) -> "Figure":
    """Draw the photo, and the maps in the rows and columns of the entries."""
    from unsee.images.figure import Figure

    rows = list(dict.fromkeys(entry.row for entry in entries))
    columns = list(dict.fromkeys(entry.column for entry in entries))
    size = (2.5 * (len(columns) + 1) + 0.6, 2.75 * len(rows) + 0.9)
    drawing = Figure(figsize=size, layout="constrained", facecolor=BACKGROUND_COLOUR)
    panels = drawing.subplots(len(rows), len(columns) + 1, squeeze=False)
    for axes in panels.flat:
        axes.set_axis_off()
    show(panels[0, 0], to_pixels(image[0]))
    panels[0, 0].set_title("photo", color=TEXT_COLOUR, fontsize=11)
    for entry in entries:
        axes = panels[rows.index(entry.row), columns.index(entry.column) + 1]
        axes.set_title(drawable(entry.title), color=TEXT_COLOUR, fontsize=11)
        if entry.saliency is None or entry.measurements is None:
            axes.text(
                0.5,
                0.5,
                drawable(entry.error),
                wrap=True,
                ha="center",
                va="center",
                color=MUTED_COLOUR,
            )
            continue
        show(axes, overlay(image[0], entry.saliency[0]))
        axes.text(
            0.5, -0.04, _caption(entry.measurements), transform=axes.transAxes, ha="center",
            va="top", color=MUTED_COLOUR, fontsize=8.5,
        )  # fmt: skip
    drawing.suptitle(drawable(title), color=TEXT_COLOUR, fontsize=14, x=0.01, ha="left")
    return drawing


def as_strip(entries: list[Entry]) -> list[Entry]:
    """Exchange rows and columns, so that a single column becomes a row of pictures."""
    return [replace(entry, row=entry.column, column=entry.row) for entry in entries]


def _caption(measurements: dict[str, float]) -> str:
    names = ["deletion", "insertion", *([STABILITY] if STABILITY in measurements else [])]
    return "   ".join(f"{name} {measurements[name]:.2f}" for name in names)


def table(entries: list[Entry], headings: tuple[str, str]) -> Table:
    """Return a row for each entry with all measurements.

    `headings` are those of the two columns with the row and the column of each entry; a column with
    an empty heading is left out.
    """
    names = _measurement_names(entries)
    columns = [Column(heading, align="left") for heading in headings if heading]
    columns += [Column(name, spec=FORMATS.get(name, ".3f")) for name in names]
    rows = [[*_names(entry, headings), *_values(entry, names), entry.error] for entry in entries]
    return Table([*columns, Column("error", align="left")], rows)


def short_table(entries: list[Entry], headings: tuple[str, str]) -> Table:
    """Return the table to read: passes in one column, and errors only if there are any."""
    names = [n for n in _measurement_names(entries) if n not in {"forwards", "backwards"}]
    columns = [Column(heading, align="left") for heading in headings if heading]
    columns += [Column(name, spec=FORMATS.get(name, ".3f")) for name in names]
    columns += [Column("passes")]
    failed = any(entry.error for entry in entries)
    columns += [Column("error", align="left")] if failed else []
    rows = [
        [
            *_names(entry, headings),
            *_values(entry, names),
            _passes(entry),
            *([entry.error] if failed else []),
        ]
        for entry in entries
    ]
    return Table(columns, rows, note=NOTE)


def conclusion(entries: list[Entry]) -> str:
    """Return a sentence: which explanation of this photo has the best areas."""
    measured = [entry for entry in entries if entry.measurements]
    if len(measured) < 2:
        return f"{len(measured)} of {len(entries)} explanations could be measured."
    parts = []
    for name, sign in (("deletion", 1), ("insertion", -1)):
        numbers = {e.title: round((e.measurements or {})[name], 3) for e in measured}
        number = min(numbers.values(), key=lambda value: sign * value)
        best = [title for title, value in numbers.items() if value == number]
        verb = "has" if len(best) == 1 else "share"
        parts.append(f"{' and '.join(best)} {verb} the best {name} area ({number:.3f})")
    return (
        f"On this photo, {' and '.join(parts)} of {len(measured)} explanations. One photo shows no "
        "difference between methods; unsee evaluate measures many."
    )


def _measurement_names(entries: list[Entry]) -> list[str]:
    has_stability = any(STABILITY in (entry.measurements or {}) for entry in entries)
    return [*FORMATS, *(STABILITIES.values() if has_stability else ())]


def _names(entry: Entry, headings: tuple[str, str]) -> list[Value]:
    pairs = zip(headings, (entry.row, entry.column), strict=True)
    return [name for heading, name in pairs if heading]


def _values(entry: Entry, names: list[str]) -> list[Value]:
    return [(entry.measurements or {}).get(name) for name in names]


def _passes(entry: Entry) -> str:
    """Return forward and backward passes as `FORWARDS+BACKWARDS`."""
    values = entry.measurements
    return f"{values['forwards']:.0f}+{values['backwards']:.0f}" if values else ""


def write(
    folder: Path,
    photo: PhotoFile,
    image: Images,
    title: str,
    entries: list[Entry],
    figure_entries: list[Entry],
    headings: tuple[str, str],
    *,
    overwrite: bool = False,
) -> None:
    """Write a picture, a page, the table as text, CSV and Markdown, the maps and the manifest.

    Args:
        folder: Folder that appears when everything is written.
        photo: The photo as it was read.
        image: The photo as the classifier sees it.
        title: Title of the picture.
        entries: Rows of the table.
        figure_entries: The same entries, placed as in the picture.
        headings: Headings of the rows and the columns of the entries, see `table`.
        overwrite: Whether the folder may exist.
    """
    full_table, brief_table = table(entries, headings), short_table(entries, headings)
    maps = [(e.title, e.saliency) for e in figure_entries if e.saliency is not None]
    text = io.StringIO()
    Console(file=text, width=TERMINAL_WIDTH).print(brief_table.terminal())
    with new_folder(folder, overwrite=overwrite) as unfinished:
        save_figure(figure(image, title, figure_entries), unfinished / "comparison.png", 130)
        for name, content in (
            ("table.txt", text.getvalue()),
            ("table.csv", full_table.csv()),
            ("table.md", brief_table.markdown()),
            (
                "comparison.html",
                comparison_page(image, title, conclusion(entries), maps, brief_table),
            ),
        ):
            write_text(unfinished / name, content)
        arrays = {" ".join(title.split()): plane[0].cpu().numpy() for title, plane in maps}
        write_arrays(unfinished / "maps.npz", arrays)
        manifest = {
            "input": photo.origin(),
            "rows": full_table.records(),
            "maps": [entry.provenance for entry in entries if entry.provenance],
        }
        write_manifest(unfinished, manifest)
