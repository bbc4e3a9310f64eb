"""The studio in a real browser: what users do, and what goes wrong."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.browsers import browser as browser
from unsee.studio.samples import PHOTOS

START = 180
"""Seconds that the server may take to start on a busy machine."""
WAIT = 180_000
"""Milliseconds to wait for the network on a busy machine."""


@pytest.fixture(scope="module")
def address(browser):
    """Address of a studio that another process serves."""
    pytest.importorskip("gradio")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "unsee", "studio", "--port", str(port)]
    classifiers = ["efficientnet_lite0", "tests.toys:classifier"]
    server = subprocess.Popen(
        [*command, "--classifiers", *classifiers], stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, cwd=Path(__file__).parents[2], text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "UNSEE_DEBUG": "0"},
    )  # fmt: skip
    url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + START
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            break
        except OSError:
            assert server.poll() is None, "the studio ended"
            assert time.monotonic() < deadline, "the studio does not answer"
            time.sleep(0.2)
    yield url
    server.terminate()
    server.wait(20)
    server.stdout.close()


@pytest.fixture
def page(browser, address):
    """A page of one user; every request of it is recorded."""
    context = browser.new_context(viewport={"width": 1300, "height": 900})
    page = context.new_page()
    page.requested = []
    page.on("request", lambda request: page.requested.append(request.url))
    page.set_default_timeout(WAIT)
    page.goto(address)
    page.wait_for_selector("#explain")
    yield page
    foreign = [url for url in page.requested if not url.startswith((address, "data:", "blob:"))]
    context.close()
    assert not foreign


def pick(page, number: int = 2) -> None:
    page.click(f"#samples button >> nth={number}")
    page.wait_for_function("document.querySelector('#map-view')?.innerText.includes('answers')")


def choose(page, name: str, value: str) -> None:
    """Type a value; again where an answer of the server, still on its way, has replaced it."""
    control = page.locator(f"#{name} input")
    for _ in range(5):
        control.fill(value)
        page.keyboard.press("Enter")
        page.wait_for_timeout(300)
        if control.input_value() == value:
            return
    raise AssertionError(f"{name} is {control.input_value()!r} in place of {value!r}")


def upload(page, path: Path) -> None:
    page.set_input_files("#photo input[type=file]", str(path))


def tab(page, name: str) -> None:
    page.get_by_role("tab", name=name).click()


def message(page) -> str:
    toast = page.locator(".toast-body.error, .toast-wrap .error").first
    toast.wait_for()
    text = toast.inner_text()
    assert "Traceback" not in text
    return text


@pytest.fixture
def explained(page):
    """A page with an explanation by one pass of a network."""
    pick(page)
    choose(page, "method", "distilled")
    page.click("#explain")
    page.wait_for_selector("#map-view .conclusion")
    return page


def test_explanation_has_pictures_and_a_conclusion(explained) -> None:
    assert explained.locator("#map-view figure img").count() == 4
    assert "Without the" in explained.inner_text("#map-view .conclusion")
    tab(explained, "Before / after")
    explained.wait_for_selector("#swipe-view img")


def test_slider_moves_without_the_server(explained) -> None:
    page, target = explained, ".evidence-row.target b"
    tab(page, "Evidence slider")
    page.wait_for_selector(".evidence-range")
    requests = len(page.requested)
    first, before = page.get_attribute(".evidence-picture", "src"), page.inner_text(target)
    start = time.monotonic()
    page.locator(".evidence-range").fill("24")
    assert page.get_attribute(".evidence-picture", "src") != first
    assert page.inner_text(target) != before
    assert time.monotonic() - start < 1
    assert "100 % of the pixels removed" in page.inner_text(".evidence-share")
    page.check("input[value=reveal]")
    assert page.inner_text(target) == before  # everything is revealed
    page.focus(".evidence-range")
    page.keyboard.press("ArrowLeft")
    assert "% of the pixels revealed" in page.inner_text(".evidence-share")
    assert not [url for url in page.requested[requests:] if "/queue/join" in url]


def test_result_can_be_saved_and_repeated(explained, tmp_path) -> None:
    page = explained
    tab(page, "Save and repeat")
    path = PHOTOS / "china.jpg"
    program = f"unsee.explain(classifier, '{path}', 'distilled', budget='fast')"
    assert program in page.inner_text("#python")
    assert f"unsee explain {path} --method distilled --budget fast" in page.inner_text("#shell")
    page.click("#make")
    page.wait_for_selector("#files a[download]")
    saved = {}
    for link in page.locator("#files a[download]").all():
        with page.expect_download() as event:
            link.click()
        path = tmp_path / event.value.suggested_filename
        event.value.save_as(path)
        saved[path.suffix] = path
    with zipfile.ZipFile(saved[".zip"]) as archive:
        names = {Path(name).name for name in archive.namelist()}
    assert {"panel.png", "saliency.npz", "manifest.json", "report.html"} <= names
    assert "What the prediction" in saved[".html"].read_text(encoding="utf-8")


def test_map_forms_and_stop_keeps_it(page) -> None:
    pick(page, 1)
    choose(page, "method", "tide")
    page.click("#explain")
    page.wait_for_selector("#map-view progress")
    page.click("#stop")
    page.wait_for_selector("#map-view .conclusion")
    page.click("#map-view summary")
    assert re.search(r"after \d+ of \d+ units of work", page.inner_text("#map-view"))
    tab(page, "Save and repeat")
    for name in ("python", "shell"):
        assert "# the map was stopped after" in page.inner_text(f"#{name}")


def test_brush_answers_and_moves_with_keys(page) -> None:
    pick(page)
    tab(page, "Brush")
    canvas = page.locator(".brush-canvas")
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 160, steps=8)
    page.mouse.up()
    page.wait_for_selector("#brushed img")
    removed = page.inner_text("#brushed")
    assert "of the pixels removed" in removed
    page.locator("#brush-mode input[value=keep]").check()
    page.wait_for_function("document.querySelector('#brushed').innerText.includes('pixels kept')")
    page.click("button[data-brush=clear]")
    page.wait_for_function("document.querySelector('#brushed').innerText.includes('Paint on')")
    canvas.focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press(" ")
    page.wait_for_selector("#brushed img")


def test_compare_shows_each_method(page) -> None:
    pick(page, 3)
    tab(page, "Compare methods")
    field = page.locator("#methods input")
    for _ in range(4):
        field.press("Backspace")
    for name in ("distilled", "random"):
        field.fill(name)
        page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    page.click("#compare")
    frame = page.frame_locator("#comparison-view iframe")
    frame.get_by_text("has the best deletion area").wait_for()
    assert frame.locator("figure img").count() == 3
    page.wait_for_selector("#comparison-file a")


def test_two_users_at_once(page, browser, address) -> None:
    other = browser.new_context().new_page()
    other.set_default_timeout(WAIT)
    other.goto(address)
    other.wait_for_selector("#explain")
    for user, number, method in ((page, 0, "rise:samples=300"), (other, 8, "distilled")):
        pick(user, number)
        choose(user, "method", method)
    page.click("#explain")
    other.click("#explain")
    for user in (page, other):
        user.wait_for_selector("#map-view .conclusion")
    names = [user.inner_text("#map-view h1") for user in (page, other)]
    assert names[0] != names[1]
    other.context.close()


def test_explain_without_a_photo(page) -> None:
    page.click("#explain")
    assert "There is no photo yet" in message(page)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("target", "no such class", "unknown class"),
        ("method", "no_such_method", "unknown method"),
        ("method", "rise:samples=x", "expected samples"),
    ],
)
def test_what_does_not_exist_is_one_sentence(page, name, value, words) -> None:
    pick(page)
    choose(page, name, value)
    page.click("#explain")
    assert words in message(page)
    page.reload()  # the server goes on
    page.wait_for_selector("#explain")
    pick(page)


def test_bad_and_large_files(page, tmp_path) -> None:
    (tmp_path / "text.jpg").write_text("this is no photo")
    upload(page, tmp_path / "text.jpg")
    assert "text.jpg: not a photo" in message(page)
    page.reload()
    page.wait_for_selector("#explain")
    bomb = Image.new("1", (20_000, 20_000))
    bomb.save(tmp_path / "bomb.png")
    upload(page, tmp_path / "bomb.png")
    assert "more than the 100,000,000 pixels allowed" in message(page)
    page.reload()
    page.wait_for_selector("#explain")
    large = np.zeros((5600, 9000, 3), np.uint8)  # 50 megapixels
    large[1000:3000, 1000:3000] = 200
    Image.fromarray(large).save(tmp_path / "large.jpg", quality=60)
    upload(page, tmp_path / "large.jpg")
    page.get_by_text("9000 x 5600 pixels; it was read at 4500 x 2800.").wait_for()
    page.wait_for_function("document.querySelector('#map-view')?.innerText.includes('answers')")


def test_an_error_empties_the_page(explained, tmp_path) -> None:
    page = explained
    tab(page, "Save and repeat")
    page.click("#make")
    page.wait_for_selector("#files a[download]")
    (tmp_path / "text.jpg").write_text("this is no photo")
    upload(page, tmp_path / "text.jpg")
    assert "text.jpg: not a photo" in message(page)
    assert not page.locator("#files a[download]").count()
    for name in ("python", "shell"):
        assert "china" not in page.inner_text(f"#{name}")
    tab(page, "Map")
    assert "Drop another photo" in page.inner_text("#map-view")
    page.locator(".toast-body.error .toast-close").first.click()
    page.click("#explain")
    page.get_by_text("There is no photo yet").wait_for()
    assert not page.locator("#map-view .conclusion").count()
    pick(page, 3)  # the server goes on


def test_a_new_photo_empties_the_results(explained) -> None:
    page = explained
    tab(page, "Save and repeat")
    assert "china" in page.inner_text("#python")
    pick(page, 3)
    page.wait_for_function("!document.querySelector('#python').innerText.includes('china')")
    assert "unsee" not in page.inner_text("#shell")
    tab(page, "Evidence slider")
    assert "Explain a photo first" in page.inner_text("#slider-view")


def test_a_method_that_the_classifier_cannot_serve(page) -> None:
    pick(page)
    page.locator("#classifier input").fill("tests.toys:classifier")
    page.keyboard.press("Enter")
    page.wait_for_function(
        "(text => text.includes('answers') && !text.includes('palace'))"
        "(document.querySelector('#map-view')?.innerText ?? '')"
    )
    choose(page, "method", "distilled")
    page.click("#explain")
    text = message(page)
    assert "distilled" in text.lower()


def test_python_code_of_a_user_is_refused(page) -> None:
    pick(page)
    page.locator("#classifier input").fill("tests.toys:two_sides")
    page.keyboard.press("Enter")
    assert "Python code" in message(page)


def test_why_one_class_and_not_another(page) -> None:
    pick(page)
    choose(page, "method", "rise:samples=30")
    field = page.locator("#contrast input")
    field.click()
    page.locator("#contrast [role=option]").nth(2).click()
    other = field.input_value().split("  ")[0]
    page.click("#explain")
    page.wait_for_selector("#map-view .conclusion")
    assert f"and not “{other}”" in page.inner_text("#map-view")
    tab(page, "Save and repeat")
    assert f"--contrast {other}" in page.inner_text("#shell").replace("'", "")


CONTRAST = """element => {
  const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  let behind = element;
  while (behind.parentElement) {
    const [, , , alpha = 1] = numbers(getComputedStyle(behind).backgroundColor);
    if (alpha === 1) break;
    behind = behind.parentElement;
  }
  const [a, b] = [getComputedStyle(element).color, getComputedStyle(behind).backgroundColor]
    .map(numbers).map(light);
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}"""
"""Ratio of the luminances of text and background (Web Content Accessibility Guidelines)."""


def test_phone_and_dark_mode(browser, address) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 800}, color_scheme="dark")
    page = context.new_page()
    page.set_default_timeout(WAIT)
    page.goto(address)
    page.wait_for_selector("#explain")
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert sum(map(int, re.findall(r"\d+", colour)[:3])) < 150
    pick(page)
    choose(page, "method", "distilled")
    page.click("#explain")
    page.wait_for_selector("#map-view .conclusion")
    texts = page.locator(
        "#map-view h1, #map-view .conclusion p, #map-view .conclusion li, #map-view figcaption"
    ).all()
    assert len(texts) > 4
    for text in texts:
        assert text.evaluate(CONTRAST) >= 4.5
    for name in ("Map", "Before / after", "Brush", "Compare methods", "Save and repeat"):
        button = page.get_by_role("tab", name=name)
        if not button.is_visible():
            page.locator(".overflow-menu button").first.click()
            button = page.locator(".overflow-dropdown button", has_text=name)
        button.click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
    context.close()
