"""Import optional libraries and download weights with clear errors."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from textwrap import shorten
from urllib.parse import urlparse
from urllib.request import getproxies

from unsee.errors import InputError

MAX_REASON = 160
"""Number of characters of a library's error that are shown."""


@contextmanager
def optional_import(package: str) -> Iterator[None]:
    """Raise `InputError` with the command that installs the package if an import fails."""
    try:
        yield
    except (ImportError, RuntimeError) as error:  # torchvision for another torch: RuntimeError
        raise InputError(
            f"{package} cannot be imported ({error}); install it with: pip install {package}"
        ) from error


@contextmanager
def download(description: str) -> Iterator[None]:
    """Raise `InputError` with a one-line reason if a download in the block fails.

    Without a network the Hugging Face client reads its cache only, in place of repeating each
    request for 20 seconds.
    """
    try:
        with _hub_offline_without_network():
            yield
    except InputError:
        raise
    except Exception as error:  # URLError, OSError, HfHubHTTPError: each client has its own
        lines = str(error).strip().splitlines() or [repr(error)]
        raise InputError(
            f"could not download {description} "
            f"({shorten(lines[0], MAX_REASON, placeholder='...')}); "
            "check the name and the network, or give a local file or folder"
        ) from error


@contextmanager
def _hub_offline_without_network() -> Iterator[None]:
    try:
        from huggingface_hub import constants
    except ImportError:
        yield
        return
    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = before or not _reachable(constants.ENDPOINT)
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def _reachable(url: str) -> bool:
    """Return whether the host of the URL has an address; proxies resolve addresses themselves."""
    if getproxies() or os.environ.get("HF_ENDPOINT"):
        return True
    try:
        socket.getaddrinfo(urlparse(url).hostname, 443)
    except OSError:
        return False
    return True
