"""Pages in a real browser: what is printed, dark colours, sorting by the keyboard."""

import base64
import io
import unicodedata

import pytest
from PIL import Image

from tests.browsers import browser as browser
from tests.conftest import small
from unsee import Study, load
from unsee.output.pages import render
from unsee.output.table import Cell, Column, Table
from unsee.results.assessment import assess
from unsee.results.calls import Call
from unsee.results.comparison_page import comparison_page
from unsee.results.page import explanation_page

A4_PIXELS = 718
"""Width of an A4 page without its margins of 1 cm, at 96 pixels an inch."""


@pytest.fixture
def page(browser):
    context = browser.new_context(java_script_enabled=True)
    yield context.new_page()
    context.close()


@pytest.fixture
def study(images):
    study = Study.of(load("tests.toys:classifier"), images[:1, :, :24, :24], small("fido", steps=3))
    study.finish()
    return study


def printed(page, html: str) -> str:
    """Return the text of a page as the browser prints it, without blanks."""
    pypdf = pytest.importorskip("pypdf")
    page.set_content(html)
    content = io.BytesIO(page.pdf(format="A4"))
    text = "".join(sheet.extract_text() for sheet in pypdf.PdfReader(content).pages)
    return "".join(unicodedata.normalize("NFKC", text).split())  # ligatures are two letters


def wide_table(columns: int = 14) -> Table:
    """Return a table that is wider than a sheet of paper."""
    heads = [Column("method", align="left"), *(Column(f"m{i}: metric{i}") for i in range(columns))]
    rows = [
        [name, *(Cell(value + i, "[0.123, 0.456] on 1 of 6") for i in range(columns))]
        for name, value in (("fido:infiller=patchmatch", 0.25), ("rise", 0.75), ("tide", 0.5))
    ]
    return Table(heads, rows)


def report() -> str:
    """Return the report of a run with a wide table."""
    section = {"heading": "Means", "note": "Click a heading to sort.", "table": wide_table()}
    return render(
        "unsee.reports", title="Title", scope="Scope", conclusions=["best"], runs=["run"],
        metrics=["m"], sections=[section], figures=[],
    )  # fmt: skip


def audit() -> str:
    """Return the page of an audit that found one shortcut."""
    png = io.BytesIO()
    Image.new("L", (1, 1)).save(png, "PNG")
    pixel = base64.b64encode(png.getvalue()).decode()
    picture = {"alt": "region of a photo with a long name", "data": pixel}
    interval = "+0.412 [+0.305, +0.519]"
    section = {
        "heading": "1. Shortcut", "verdict": "is a shortcut", "is_alarm": True,
        "crops": [picture] * 12, "examples": [picture] * 3, "facts": ["in 9 of 24 photos"],
        "effects": [("removed", [interval] * 4), ("pasted", [interval] * 4)], "positions": pixel,
    }  # fmt: skip
    return render(
        "unsee.audits", title="Title", headline="One shortcut.", photos=24, regions=48,
        described="features", notes=["note"], sections=[section],
    )  # fmt: skip


def overflow(page) -> int:
    """Return by how many pixels the page exceeds its width, or a part its scrolled frame."""
    script = """() => Math.max(...[document.documentElement, ...document.querySelectorAll('*')].map(
        e => e.scrollWidth - (getComputedStyle(e).display === 'inline' ? e.scrollWidth
             : e.clientWidth)))"""
    return page.evaluate(script)


def test_settings_of_a_closed_part_are_printed(page, study) -> None:
    call = Call(photo="a-long-name" * 20 + ".png", method="fido:steps=1,grid=28,mode=sdr")
    html = explanation_page(assess(study), "dog.png", study.score.images[0], call)
    assert "<details>" in html
    text = printed(page, html)
    assert "Settings,costandversions" in text
    inside = html.partition("<details>")[2].partition("</details>")[0]
    names = [part.partition("<")[0] for part in inside.split('<th scope="row">')[1:]]
    assert len(names) > 5
    assert [name for name in names if "".join(name.split()) not in text] == []
    assert "mode=sdr" in text
    assert text.count("a-long-name" * 20) >= 1


PAGES = {"report": report, "audit": audit}
"""Pages that need no study."""


@pytest.mark.parametrize("kind", ["report", "comparison", "audit"])
def test_wide_tables_are_not_cut_on_paper(page, study, kind) -> None:
    if kind != "comparison":
        html = PAGES[kind]()
    else:
        maps = [("fido", study.explanation.saliency)]
        html = comparison_page(study.score.images, "Title", "best", maps, wide_table())
    page.emulate_media(media="print")
    page.set_viewport_size({"width": A4_PIXELS, "height": 1000})
    page.set_content(html)
    assert overflow(page) <= 1
    assert page.locator("tbody tr").count() == (2 if kind == "audit" else 3)


@pytest.mark.parametrize("kind", PAGES)
def test_dark_colours_where_the_reader_prefers_them(page, kind) -> None:
    lightness = "e => getComputedStyle(document.body)[e].match(/\\d+/g).slice(0, 3).map(Number)"
    found = {}
    for scheme in ("light", "dark"):
        page.emulate_media(media="screen", color_scheme=scheme)
        page.set_content(PAGES[kind]())
        found[scheme] = [sum(page.evaluate(lightness, e)) for e in ("backgroundColor", "color")]
    assert found["light"][0] > 600 > 200 > found["light"][1]
    assert found["dark"][0] < 200 < 600 < found["dark"][1]
    page.emulate_media(media="print", color_scheme="dark")
    assert sum(page.evaluate(lightness, "color")) < 200


def test_report_is_sorted_by_the_keyboard(page) -> None:
    page.set_content(report())
    names = page.locator("tbody tr td:first-child")
    head = page.locator("th").nth(1)
    assert head.get_attribute("aria-sort") is None
    head.get_by_role("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    assert names.all_inner_texts() == ["fido:infiller=patchmatch", "tide", "rise"]
    page.keyboard.press("Space")
    assert head.get_attribute("aria-sort") == "descending"
    assert names.all_inner_texts() == ["rise", "tide", "fido:infiller=patchmatch"]
    page.locator("th").nth(0).get_by_role("button").click()
    assert head.get_attribute("aria-sort") is None
    assert names.all_inner_texts() == ["fido:infiller=patchmatch", "rise", "tide"]
