"""Where files are kept between runs."""

import os
from pathlib import Path


def cache() -> Path:
    """$UNSEE_CACHE, or a folder in the user's cache; it need not exist."""
    if own := os.environ.get("UNSEE_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "unsee"
