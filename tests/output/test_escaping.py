import warnings

import pytest

from unsee.images.drawing import drawable
from unsee.output import escaping

HOSTILE = (
    "<script>alert(1)</script>", "[/b] [red]", "$\\frac{$", "a | b ` c", "two\nlines\r",
    "=cmd|' /C calc'!A1", "\x1b[31mred\x1b]0;title\x07", "[a](javascript:b) ![c](http://d)",
    "# heading", "-1", "1. list", "~~no~~ *b* _i_", "&lt;b&gt; \" '", "\udcff.png", "\u202egnp",
    "100 % {x} ^ \\input{a}", "@name", "<!-- ", "[0, 1]: http://x",
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("format_", ["terminal", "html", "markdown", "latex", "spreadsheet"])
def test_every_format_is_one_line_that_can_be_written(text, format_) -> None:
    escaped = getattr(escaping, format_)(text)
    assert escaped.isprintable()
    escaped.encode("utf-8")


def test_html_has_no_elements_or_quotes() -> None:
    for text in HOSTILE:
        assert not set("<>\"'") & set(escaping.html(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a](javascript:b)", r"[a\](javascript:b)"),
        ("$x$", r"\$x\$"),
        ("~~no~~", r"\~\~no\~\~"),
        ("&lt; & b", r"\&lt; & b"),
        ("a\n# b", "a # b"),
    ],
)
def test_markdown_has_no_links_or_formulas(text, expected) -> None:
    assert escaping.markdown(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# b", r"\# b"), ("- b", r"\- b"), ("1. b", r"1\. b"), ("> b", r"\> b"),
        ("10) b", r"10\) b"), ("a - b", "a - b"), ("=== b", r"\=== b"),
    ],
)  # fmt: skip
def test_line_of_markdown_starts_no_block(text, expected) -> None:
    assert escaping.markdown_line(text) == expected


def test_formulas_of_spreadsheets_get_an_apostrophe() -> None:
    for text in ("=1+1", "+1", "-1", "@a", "\t=1", "\n=1", "\uff1d1", "\uff201"):
        assert escaping.spreadsheet(text).startswith("'")
    assert escaping.spreadsheet("a=b") == "a=b"


@pytest.mark.parametrize("text", ["$\\frac{$", "two\nlines\r", "\x1b[31m", "\udcff.png"])
def test_figures_draw_texts_as_they_are(text) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure((9, 4), layout="constrained")
    axes = figure.subplots()
    axes.set_title(drawable(f"{text} $"))
    axes.plot([0, 1], [0, 1], label=drawable(f"{text} $x^2$"))
    axes.set_yticks([0, 1], [drawable(text), drawable("$\\frac")])
    axes.legend()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")
        FigureCanvasAgg(figure).draw()
    assert drawable(text).isprintable()
