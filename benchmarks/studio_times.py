"""Time the studio in a browser: the first paint of its page, and answers to strokes of the brush.

    python benchmarks/studio_times.py

Needs gradio, playwright and Chromium. All times are by the clock of the browser, which runs on the
same machine as the server. Writes results/studio.md.
"""

import argparse
import os
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import gradio
import torch
from _studio import chromium, opened, studio, wait_for_answers

RESULTS = Path(__file__).parent / "results"
PAINT, STROKE = 3.0, 1.0
"""Limits in seconds."""
FIRST_PAINT = """() => {
  const paint = performance.getEntriesByName('first-contentful-paint')[0];
  return paint.startTime / 1000;
}"""
LISTEN = """() => {
  window.ends = [];
  window.answers = [];
  const stamp = list => list.push(performance.now() / 1000);
  document.addEventListener('pointerup', () => stamp(window.ends), true);
  new MutationObserver(() => {
    const picture = document.querySelector('#brushed img');
    if (picture && picture.src !== window.shown) {
      window.shown = picture.src;
      stamp(window.answers);
    }
  }).observe(document.querySelector('#brushed'), { childList: true, subtree: true });
}"""
"""Code that records when strokes end and when their answers appear."""


def processor() -> str:
    """Return the name of the processor."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))


def stroke_times(page: Any, count: int) -> list[float]:
    """Paint strokes on a photo; return the seconds from the end of each to its answer."""
    page.click("#samples button >> nth=2")
    wait_for_answers(page)
    page.get_by_role("tab", name="Brush").click()
    box = page.locator(".brush-canvas").bounding_box()
    page.evaluate(LISTEN)
    for number in range(count):
        x, y = box["x"] + 40 + 30 * number, box["y"] + 60 + 20 * number
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + 50, y + 40, steps=5)
        page.mouse.up()
        page.wait_for_function(f"window.answers.length === {number + 1}")
    ends, answers = page.evaluate("[window.ends, window.answers]")
    return [answer - end for end, answer in zip(ends, answers, strict=True)]


def measured(address: str, browser_path: str | None, count: int) -> dict[str, list[float]]:
    """Return the seconds of first paints, each in a new browser context, and of strokes."""
    paints, usable = [], []
    with chromium(browser_path) as browser:
        for _ in range(count):
            page = opened(browser, address)
            usable.append(page.evaluate("performance.now() / 1000"))
            paints.append(page.evaluate(FIRST_PAINT))
        strokes = stroke_times(page, count)
    return {"first paint": paints, "controls visible": usable, "answer to a stroke": strokes}


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=7, help="pages, and strokes")
    parser.add_argument("--browser", help="path of Chromium")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with studio() as (address, start):
        times = measured(address, options.browser, options.count)
    limits = {"first paint": PAINT, "controls visible": PAINT, "answer to a stroke": STROKE}
    lines = [
        "# Times of the studio",
        "",
        f"`python benchmarks/studio_times.py`, {datetime.now(UTC):%Y-%m-%d}: {processor()}, "
        f"{os.cpu_count()} cores, {load:.1f} processes running before the start; torch "
        f"{torch.__version__}, gradio {gradio.__version__}. Classifier efficientnet_lite0.",
        "",
        f"The server answers {start:.1f} s after the command. Seconds by the clock of the browser, "
        f"{options.count} of each, the first ones included:",
        "",
        "| | median | longest | limit |",
        "|---|---:|---:|---:|",
    ]
    for name, values in times.items():
        lines.append(f"| {name} | {median(values):.2f} | {max(values):.2f} | {limits[name]:.0f} |")
    text = "\n".join(lines) + "\n"
    (RESULTS / "studio.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
