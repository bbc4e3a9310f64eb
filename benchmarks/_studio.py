"""The studio as a process of its own, and the browser that opens it."""

import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

START = 180
"""Seconds that the server may take to start, and a page to answer."""


@contextmanager
def studio() -> Iterator[tuple[str, float]]:
    """Serve the studio; yield its address, and the seconds until it serves the page."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address, begin = f"http://127.0.0.1:{port}", time.monotonic()
    command = [sys.executable, "-m", "unsee", "studio", "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                urllib.request.urlopen(address, timeout=5).close()
                break
            except OSError:
                if server.poll() is not None or time.monotonic() - begin > START:
                    raise SystemExit("the studio does not answer") from None
                time.sleep(0.05)
        yield address, time.monotonic() - begin
    finally:
        server.terminate()


@contextmanager
def chromium(path: str | None = None) -> Iterator[Any]:
    """Yield a browser: the given one, or the Chromium of the system."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path or shutil.which("chromium"), args=["--no-sandbox"]
        )
        yield browser
        browser.close()


def opened(browser: Any, address: str, **settings: Any) -> Any:
    """Return the studio's page in a new browser context, with its controls visible."""
    page = browser.new_context(
        **{"viewport": {"width": 1300, "height": 900}, **settings}
    ).new_page()
    page.set_default_timeout(1000 * START)
    page.goto(address)
    page.wait_for_selector("#explain")
    return page


def wait_for_answers(page: Any) -> None:
    """Wait until the page shows the answers to a new photo."""
    page.wait_for_function("document.querySelector('#map-view')?.innerText.includes('answers')")
