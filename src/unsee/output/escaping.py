"""Text that others wrote (names of photos, classes, methods) in each format of a report.

All results are one line without control characters. There is one function for each format.
"""

import html as _html
import re

from unsee.errors import printable

_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    **{sign: "\\" + sign for sign in "&%$#_{}"},
}
_MARKDOWN = re.compile(r"[\\|*`<$~]|(?<!\w)_|_(?!\w)|\](?=[(\[:])|&(?=#?\w+;)")
_BLOCK = re.compile(r"^\s*(?:[#>+=-]|\d+[.)])")
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # and their wide forms


def terminal(text: str) -> str:
    """Return text for a terminal, without sequences that control it."""
    return printable(text)


def html(text: str) -> str:
    """Return text for an element or an attribute of HTML."""
    return _html.escape(printable(text))


def markdown(text: str) -> str:
    """Return text for GitHub-flavoured Markdown: no emphasis, link, code, formula or element."""
    return _MARKDOWN.sub(lambda match: "\\" + match[0], printable(text))


def markdown_line(text: str) -> str:
    """Return text as a paragraph of Markdown, which does not start a list or a heading."""
    line = markdown(text)
    return re.sub(r"([#>+=.)-])", r"\\\1", line, count=1) if _BLOCK.match(line) else line


def latex(text: str) -> str:
    """Return text for LaTeX."""
    return "".join(_LATEX.get(sign, sign) for sign in printable(text))


def spreadsheet(text: str) -> str:
    """Return text for a cell of a CSV file; an apostrophe marks what would be a formula.

    Spreadsheets compute cells that start with =, +, - or @, also such as start a program (OWASP,
    "CSV Injection").
    """
    text = printable(text)
    return f"'{text}" if text.startswith(_FORMULA) else text
