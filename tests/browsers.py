"""A real browser for tests of pages: Chromium of the system (`UNSEE_BROWSER`, or on the path).

Where there is none, and `UNSEE_INSTALL_BROWSER` is 1, Debian's package is installed.
"""

import os
import shutil
import subprocess

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def browser_path() -> str:
    """Return the path of a browser; skip the test where there is none."""
    path = os.environ.get("UNSEE_BROWSER") or next(filter(None, map(shutil.which, BROWSERS)), "")
    if not path and os.environ.get("UNSEE_INSTALL_BROWSER") == "1":
        apt = ["apt-get", "--yes", "--option", "DPkg::Lock::Timeout=300"]
        for words in (["update"], ["install", "--no-install-recommends", "chromium"]):
            subprocess.run([*apt, *words], check=False, capture_output=True)
        path = shutil.which("chromium") or ""
    if not path:
        pytest.skip("no Chromium on this machine; UNSEE_INSTALL_BROWSER=1 installs Debian's")
    return path


@pytest.fixture(scope="module")
def browser():
    """Return a browser that is closed after the module."""
    sync_api = pytest.importorskip("playwright.sync_api")
    path = browser_path()
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()
