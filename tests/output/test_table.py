"""Tables in all formats, with characters that each of them must escape."""

import csv

import pytest
from rich.console import Console

from unsee.output.table import Cell, Column, Table

NAMES = ["a|b", r"c\d", "<e> & f", "50 % _g_", "h_i [j]"]


@pytest.fixture
def table():
    rows = [
        [name, Cell(number / 3, f"[{number}, {number + 1}]", bold=number == 1), None]
        for number, name in enumerate(NAMES)
    ]
    columns = [Column("name", align="left"), Column("value", "value_1 ↑", ".2f"), Column("empty")]
    return Table(columns, rows, note="lower | better")


def test_markdown_escapes_its_characters(table) -> None:
    head, ruler, *rows = table.markdown().splitlines()
    assert head == "| name | value_1 ↑ | empty |"
    assert ruler == "| --- | ---: | ---: |"
    assert rows[0] == r"| a\|b | 0.00 [0, 1] |  |"
    assert rows[1] == r"| c\\d | **0.33** [1, 2] |  |"
    assert rows[2] == r"| \<e> & f | 0.67 [2, 3] |  |"
    assert rows[3] == r"| 50 % \_g\_ | 1.00 [3, 4] |  |"
    assert rows[4] == "| h_i [j] | 1.33 [4, 5] |  |"
    assert rows[-1] == r"lower \| better"


def test_csv_can_be_read_again(table) -> None:
    rows = list(csv.DictReader(table.csv().splitlines()))
    assert [row["name"] for row in rows] == NAMES
    assert rows[1] == {"name": NAMES[1], "value": "0.33", "empty": ""}
    assert rows == table.records()


def test_csv_has_all_digits_without_a_format() -> None:
    assert Table([Column("x")], [[1 / 3], [True], [2]]).csv() == f"x\n{1 / 3!r}\nTrue\n2\n"


def test_latex_escapes_its_characters(table) -> None:
    lines = table.latex().splitlines()
    assert lines[0] == r"\begin{tabular}{lrr}"
    assert lines[2] == r"name & value\_1 $\uparrow$ & empty \\"
    assert lines[4] == r"a|b & 0.00 {\scriptsize [0, 1]} &  \\"
    assert lines[5] == r"c\textbackslash{}d & \textbf{0.33} {\scriptsize [1, 2]} &  \\"
    assert lines[6] == r"\textless{}e\textgreater{} \& f & 0.67 {\scriptsize [2, 3]} &  \\"
    assert lines[7] == r"50 \% \_g\_ & 1.00 {\scriptsize [3, 4]} &  \\"


def test_html_escapes_its_characters(table) -> None:
    html = table.html()
    assert '<td class="left">&lt;e&gt; &amp; f</td>' in html
    assert '<td class="right" data-value="0.0">0.00<small>[0, 1]</small></td>' in html
    assert "<b>0.33</b>" in html
    marked = Table([Column("x:y", spec="+.1f")], [[Cell(1.0, mark="better")]]).html()
    assert '<th class="right">x:<wbr>y</th>' in marked
    assert '<td class="right better" data-value="1.0">+1.0</td>' in marked


def test_scope_of_a_value_is_in_every_format_but_csv() -> None:
    table = Table([Column("x", spec=".1f")], [[Cell(1.0, "[0, 2]", bold=True, scope="on 1 of 6")]])
    console = Console(width=80)
    with console.capture() as capture:
        console.print(table.terminal())
    assert "1.0 on 1 of 6\n" in capture.get()
    assert "| **1.0** on 1 of 6 [0, 2] |" in table.markdown()
    assert r"\textbf{1.0} {\scriptsize on 1 of 6 [0, 2]}" in table.latex()
    assert "<b>1.0</b><small>on 1 of 6 [0, 2]</small>" in table.html()
    assert table.csv() == "x\n1.0\n"


def test_terminal_shows_square_brackets(table) -> None:
    console = Console(width=80)
    with console.capture() as capture:
        console.print(table.terminal())
    text = capture.get()
    assert "h_i [j]" in text
    assert "0.33" in text
    assert "[1, 2]" not in text
    assert "lower | better" in text


def test_wrong_rows_and_columns_are_refused() -> None:
    with pytest.raises(ValueError, match="expected 1 cells in each row, got 2"):
        Table([Column("a")], [[1, 2]])
    with pytest.raises(ValueError, match="different names"):
        Table([Column("a"), Column("a")], [])
