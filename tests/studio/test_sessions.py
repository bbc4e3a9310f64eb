"""What the server keeps of a page, and how it answers when there are too many."""

import os
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from tests.browsers import browser as browser
from tests.studio.test_page import WAIT, message

CLOSING = 60
"""Seconds in which a busy server notices that a page was closed."""


class Server:
    """A studio in another process."""

    def __init__(self, process) -> None:
        self._process = process
        self.address = process.stdout.readline().strip()

    def desks(self) -> int:
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@contextmanager
def serving(sessions=32, queue=20):
    """Serve a studio with these limits in the block."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.studio.serve", str(sessions), str(queue)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        cwd=Path(__file__).parents[2], env={**os.environ, "OMP_NUM_THREADS": "1"},
    ) as process:  # fmt: skip
        try:
            yield Server(process)
        finally:
            process.terminate()


def new_page(browser, server):
    page = browser.new_context().new_page()
    page.set_default_timeout(WAIT)
    page.goto(server.address)
    page.wait_for_selector("#explain")
    return page


def drop(page, photo) -> None:
    page.set_input_files("#photo input[type=file]", str(photo))
    page.wait_for_function("document.querySelector('#map-view')?.innerText.includes('answers')")


def test_a_closed_page_leaves_nothing(browser, photo) -> None:
    with serving() as server:
        page = new_page(browser, server)
        drop(page, photo)
        assert server.desks() == 1
        page.context.close()
        deadline = time.monotonic() + CLOSING
        while server.desks() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert server.desks() == 0


def test_only_the_last_sessions_are_kept(browser, photo) -> None:
    with serving(sessions=1) as server:
        first, second = (new_page(browser, server) for _ in range(2))
        for page in (first, second):
            drop(page, photo)
        first.click("#explain")
        assert "There is no photo yet" in message(first)
        assert server.desks() <= 1
        for page in (first, second):
            page.context.close()


def test_a_full_queue_is_one_sentence(browser) -> None:
    with serving(queue=0) as server:
        page = new_page(browser, server)
        page.click("#explain")
        assert "currently busy. Please try again." in message(page)
        page.context.close()


def test_pages_connect_with_their_own_host_only() -> None:
    with serving() as server, urllib.request.urlopen(server.address, timeout=60) as response:
        policy = response.headers["content-security-policy"]
    parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert parts["connect-src"].split() == ["'self'", "data:", "blob:"]
    assert "*" not in policy
