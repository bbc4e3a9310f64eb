"""The photos that ship with the package."""

import filecmp
from importlib.resources import files
from pathlib import Path

PHOTOS = Path(str(files("unsee.studio"))) / "photos"


def sample_photos() -> list[Path]:
    """Return the photos that ship with the package."""
    return sorted(PHOTOS.glob("*.jpg"))


def name_for_user(path: str) -> str:
    """Return a path by which a user finds an uploaded photo.

    It is that in the package for one of its photos, of which the server has a copy, and else the
    name of the file.
    """
    own = PHOTOS / Path(path).name
    if own in sample_photos() and filecmp.cmp(path, own, shallow=False):
        return str(own)
    return Path(path).name
