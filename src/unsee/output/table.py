"""Tables of results: columns and rows, rendered as Markdown, CSV, LaTeX, HTML or for a terminal."""

import csv
import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from unsee.output import escaping

if TYPE_CHECKING:
    from rich.table import Table as TerminalTable
    from rich.text import Text

Value = str | bool | int | float | None
"""Content of a cell; `None` is an empty cell."""
Mark = Literal["", "better", "worse"]
"""Highlighting of a cell."""


@dataclass(frozen=True)
class Column:
    """A column: its name, its caption, the format of its numbers and its alignment."""

    name: str
    """Name in the header of a CSV file."""
    caption: str | None = None
    """Heading in all other formats; the name by default."""
    spec: str = ""
    """Format of numbers as in `format(value, spec)`, e.g. `.3f`. Without it CSV files have all
    digits."""
    align: Literal["left", "right"] = "right"
    """Side at which text is aligned."""
    style: str = ""
    """Style of `rich` in a terminal, e.g. bold; a column with a style is not wrapped."""

    @property
    def heading(self) -> str:
        """Text above the column."""
        return self.name if self.caption is None else self.caption

    def text(self, value: Value) -> str:
        """Return a value as text; numbers in the column's format."""
        if value is None:
            return ""
        if isinstance(value, bool | str):
            return str(value)
        return format(value, self.spec)


@dataclass(frozen=True)
class Cell:
    """A value with a detail, e.g. a mean with its interval. CSV files have the value only."""

    value: Value
    detail: str = ""
    """Text after the value, in smaller type where the format has one; a terminal leaves it out."""
    bold: bool = False
    """Whether the value is emphasised."""
    mark: Mark = ""
    """CSS class of the cell in HTML."""
    scope: str = ""
    """What the value is of, where that is less than its row: "on 1 of 6". Terminals show it too."""

    @property
    def remark(self) -> str:
        """All text after the value."""
        return f"{self.scope} {self.detail}".strip()


@dataclass(frozen=True, eq=False)
class Table:
    """A table that renders itself in several formats; all text is escaped for each of them."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]
    """A row has a `Cell`, or a plain `Value`, for each column."""
    title: str = ""
    """Line above the table in a terminal."""
    note: str = ""
    """Line below the table in a terminal and in Markdown."""

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        if len(set(names)) < len(names):
            raise ValueError(f"expected columns with different names, got {names}")
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"expected {len(self.columns)} cells in each row, got {len(row)}")

    @property
    def cells(self) -> list[list[Cell]]:
        """All rows, plain values as cells; NaN is no number, and an empty cell."""
        return [
            [_numbered(v if isinstance(v, Cell) else Cell(v)) for v in row] for row in self.rows
        ]

    def markdown(self) -> str:
        """Return a table of GitHub-flavoured Markdown."""
        lines = [[escaping.markdown(column.heading) for column in self.columns]]
        lines.append(["---:" if c.align == "right" else "---" for c in self.columns])
        lines += [
            [_markdown_cell(*pair) for pair in zip(self.columns, row, strict=True)]
            for row in self.cells
        ]
        text = "".join(f"| {' | '.join(line)} |\n" for line in lines)
        return f"{text}\n{escaping.markdown(self.note)}\n" if self.note else text

    def csv(self) -> str:
        """Return comma-separated values with a header line.

        Texts that a spreadsheet would take for formulas start with an apostrophe.
        """
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([escaping.spreadsheet(column.name) for column in self.columns])
        writer.writerows(record.values() for record in self.records())
        return text.getvalue()

    def records(self) -> list[dict[str, str]]:
        """Return a dictionary of texts by column name for each row, as a CSV file has them."""
        return [
            {c.name: _csv_cell(c, cell) for c, cell in zip(self.columns, row, strict=True)}
            for row in self.cells
        ]

    def values(self) -> list[dict[str, Value]]:
        """Return a dictionary of values for each row, for programs; numbers have all digits.

        Its keys are the names of the columns with `_` for blanks and hyphens.
        """
        keys = [re.sub("[ -]", "_", column.name) for column in self.columns]
        return [dict(zip(keys, (cell.value for cell in row), strict=True)) for row in self.cells]

    def latex(self) -> str:
        """Return a `tabular` for the package booktabs."""
        rows = [
            " & ".join(_latex_cell(*pair) for pair in zip(self.columns, row, strict=True))
            for row in self.cells
        ]
        lines = [
            rf"\begin{{tabular}}{{{''.join(column.align[0] for column in self.columns)}}}",
            r"\toprule",
            " & ".join(escaping.latex(column.heading) for column in self.columns) + r" \\",
            r"\midrule",
            # after \\, a bracket or a star is its argument
            *(rf"{'{}' if row.startswith(('[', '*')) else ''}{row} \\" for row in rows),
            r"\bottomrule",
            r"\end{tabular}",
        ]
        return "\n".join(lines) + "\n"

    def html(self) -> str:
        """Return a `<table>`; cells with a number have it as `data-value`, to be sorted by."""
        head = "".join(
            f'<th class="{column.align}">{_breakable(column.heading)}</th>'
            for column in self.columns
        )
        body = "".join(
            f"<tr>{''.join(_html_cell(*pair) for pair in zip(self.columns, row, strict=True))}</tr>"
            for row in self.cells
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def terminal(self) -> "TerminalTable":
        """Return a table that a `rich` console prints; details and emphasis are left out."""
        from rich.table import Table as TerminalTable
        from rich.text import Text

        table = TerminalTable(
            box=None, pad_edge=False, title=_terminal(self.title), caption=_terminal(self.note),
            title_justify="left",
            caption_justify="left", show_header=any(column.heading for column in self.columns),
        )  # fmt: skip
        for column in self.columns:
            heading = Text(re.sub(r"([:,])", r"\1\n", escaping.terminal(column.heading)))
            table.add_column(
                heading, justify=column.align, overflow="fold", style=column.style,
                no_wrap=bool(column.style),
            )  # fmt: skip
        for row in self.cells:
            texts = (
                f"{c.text(cell.value)} {cell.scope}" if cell.scope else c.text(cell.value)
                for c, cell in zip(self.columns, row, strict=True)
            )
            table.add_row(*(_terminal(text) or "" for text in texts))
        return table


def _numbered(cell: Cell) -> Cell:
    is_nan = isinstance(cell.value, float) and math.isnan(cell.value)
    return replace(cell, value=None) if is_nan else cell


def _terminal(text: str) -> "Text | None":
    """Return text in which square brackets are no markup; None for an empty one."""
    from rich.text import Text

    return Text(escaping.terminal(text)) if text else None


def _csv_cell(column: Column, cell: Cell) -> str:
    text = column.text(cell.value)
    return escaping.spreadsheet(text) if isinstance(cell.value, str) else text


def _markdown_cell(column: Column, cell: Cell) -> str:
    text = escaping.markdown(column.text(cell.value))
    text = f"**{text}**" if cell.bold and text else text
    return f"{text} {escaping.markdown(cell.remark)}".strip()


def _latex_cell(column: Column, cell: Cell) -> str:
    text = escaping.latex(column.text(cell.value))
    text = rf"\textbf{{{text}}}" if cell.bold and text else text
    return rf"{text} {{\scriptsize {escaping.latex(cell.remark)}}}" if cell.remark else text


def _html_cell(column: Column, cell: Cell) -> str:
    names = " ".join(filter(None, (column.align, cell.mark)))
    number = isinstance(cell.value, int | float)
    value = f' data-value="{float(cell.value)!r}"' if number and cell.value is not None else ""
    text = escaping.html(column.text(cell.value))
    text = f"<b>{text}</b>" if cell.bold and text else text
    detail = f"<small>{escaping.html(cell.remark)}</small>" if cell.remark else ""
    return f'<td class="{names}"{value}>{text}{detail}</td>'


def _breakable(text: str) -> str:
    """Escape a heading and allow line breaks where a part's settings begin."""
    return re.sub(r"([:,])", r"\1<wbr>", escaping.html(text))
