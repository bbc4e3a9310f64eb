"""Photograph each view of the studio in a browser, and film a tour of it.

    python benchmarks/studio_pictures.py

Needs gradio, playwright and Chromium. Writes docs/studio/*.webp at two pixels a point.
"""

import argparse
import io
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from _studio import chromium, opened, studio, wait_for_answers
from PIL import Image

import unsee

WIDTH, QUALITY = 1600, 82
"""Largest width of a picture in pixels, and the quality of its file."""
PAUSE, HOLD, FRAMES = 400, 2500, 80
"""Milliseconds of a frame of the tour, of its last frame of a view, and the most frames of a map."""
SLIDER = 8
"""Steps by which the slider moves."""
Film = list[tuple[Image.Image, int]]
"""Pictures, and the milliseconds for which each is shown."""
DONE = "#map-view .conclusion"
PHOTO = Path(unsee.__file__).parent / "studio" / "photos" / "panda.jpg"


def picture(page: Any) -> Image.Image:
    """Return what the page shows, at most `WIDTH` pixels wide."""
    shown = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    if shown.width > WIDTH:
        shown = shown.resize((WIDTH, round(shown.height * WIDTH / shown.width)), Image.LANCZOS)
    return shown


def view(page: Any, name: str) -> None:
    """Open a view by the name of its tab, which a narrow page has in a menu."""
    button = page.get_by_role("tab", name=name)
    if not button.is_visible():
        page.locator(".overflow-menu button").first.click()
        button = page.locator(".overflow-dropdown button", has_text=name)
    button.click()
    page.wait_for_timeout(400)


def explain(page: Any) -> list[Image.Image]:
    """Explain the photo; return the map while it formed."""
    frames: list[Image.Image] = []
    page.click("#explain")
    while len(frames) < FRAMES and not page.locator(DONE).is_visible():
        page.wait_for_timeout(PAUSE)
        frames.append(picture(page))
    page.wait_for_selector(DONE)
    page.wait_for_timeout(800)
    frames.append(picture(page))
    return frames


def slider(page: Any) -> list[Image.Image]:
    """Remove the evidence step by step; return what the page shows."""
    view(page, "Evidence slider")
    page.wait_for_selector(".evidence-range")
    frames = []
    for step in range(SLIDER + 1):
        page.locator(".evidence-range").fill(str(step))
        page.wait_for_timeout(100)
        frames.append(picture(page))
    return frames


def swipe(page: Any) -> None:
    """Show the photo beside the photo without its evidence."""
    view(page, "Before / after")


def brush(page: Any) -> None:
    """Paint over the middle of the photo."""
    view(page, "Brush")
    box = page.locator(".brush-canvas").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 40, y - 60)
    page.mouse.down()
    for dx, dy in ((30, 40), (-30, 60), (40, 90)):
        page.mouse.move(x + dx, y + dy - 40, steps=8)
    page.mouse.up()
    page.wait_for_selector("#brushed img")


def compare(page: Any) -> None:
    """Compare the methods that the page proposes."""
    view(page, "Compare methods")
    page.click("#compare")
    page.wait_for_selector("#comparison-file a")


def save(page: Any) -> None:
    """Make the files of the result."""
    view(page, "Save and repeat")
    page.click("#make")
    page.wait_for_selector("#files a[download]")


VIEWS: dict[str, Callable[[Any], None]] = {
    "before-after": swipe, "brush": brush, "compare": compare, "save": save,
}  # fmt: skip
"""What to do in each view before its picture is taken."""


def upload(page: Any, photo: Path) -> None:
    """Upload a photo and wait for the answers to it."""
    page.set_input_files("#photo input[type=file]", str(photo))
    wait_for_answers(page)
    page.wait_for_timeout(800)


def film(frames: list[Image.Image]) -> Film:
    """Return the frames of a view; the last one is held."""
    return [(frame, PAUSE) for frame in frames[:-1]] + [(frames[-1], HOLD)]


def pictures(browser: Any, address: str, photo: Path) -> Iterator[tuple[str, Film]]:
    """Yield the name and the frames of each picture, and of the tour."""
    page = opened(browser, address, device_scale_factor=2)
    upload(page, photo)
    tour = film(explain(page))
    yield "map", tour[-1:]
    tour += film(slider(page))
    yield "slider", tour[-1:]
    for name, prepare in VIEWS.items():
        prepare(page)
        page.wait_for_timeout(800)
        tour += film([picture(page)])
        yield name, tour[-1:]
    yield "tour", [(frame.resize((frame.width // 2, frame.height // 2)), ms) for frame, ms in tour]
    for name, settings in (
        ("dark", {"color_scheme": "dark"}),
        ("phone", {"viewport": {"width": 390, "height": 800}, "color_scheme": "dark"}),
    ):
        page = opened(browser, address, device_scale_factor=2, **settings)
        upload(page, photo)
        explain(page)
        page.evaluate("document.querySelector('#map-view h1').scrollIntoView()")
        page.wait_for_timeout(400)
        yield name, film([picture(page)])


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--browser", help="path of Chromium")
    parser.add_argument("--photo", type=Path, default=PHOTO)
    parser.add_argument("--out", type=Path, default=Path("docs/studio"))
    options = parser.parse_args()
    options.out.mkdir(exist_ok=True)
    with (
        TemporaryDirectory() as folder,
        studio() as (address, _),
        chromium(options.browser) as browser,
    ):
        photo = shutil.copy(options.photo, Path(folder) / "my-photo.jpg")  # the name is shown
        for name, shown in pictures(browser, address, photo):
            path = options.out / f"{name}.webp"
            (first, *others), times = [frame for frame, _ in shown], [ms for _, ms in shown]
            moving = {"save_all": True, "append_images": others, "duration": times, "loop": 0}
            first.save(path, quality=QUALITY, method=6, **(moving if others else {}))
            print(f"{path}: {len(shown)} frames, {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
