"""Checks of options before anything is loaded, computed or written."""

import math
from pathlib import Path

from unsee.errors import InputError
from unsee.storage.folders import check_name, check_new, place_of
from unsee.storage.workplace import workplace

MAX_SEED = 2**63 - 1
"""Largest seed, the largest number that torch's generators take."""


def at_least(minimum: float, **options: float | None) -> None:
    """Check that options are numbers of at least `minimum`; None is not checked."""
    for name, value in options.items():
        if value is not None and not (math.isfinite(value) and value >= minimum):
            raise InputError(f"{_flag(name)}: expected at least {minimum}, got {value}")


def positive(**options: float | None) -> None:
    """Check that options are numbers above 0; None is not checked."""
    for name, value in options.items():
        if value is not None and not (math.isfinite(value) and value > 0):
            raise InputError(f"{_flag(name)}: expected more than 0, got {value}")


def share(**options: float) -> None:
    """Check that options lie between 0 and 1, without both."""
    for name, value in options.items():
        if not 0 < value < 1:
            raise InputError(f"{_flag(name)}: expected a share between 0 and 1, got {value}")


def seed(value: int) -> None:
    """Check that a seed is one that all random generators take."""
    if not 0 <= value <= MAX_SEED:
        raise InputError(f"--seed: expected 0 to {MAX_SEED}, got {value}")


def new_result(folder: Path, *, overwrite: bool) -> None:
    """Check that a result folder does not exist, or may be overwritten, and can be written."""
    check_new(folder, overwrite=overwrite)
    writable(place_of(folder).parent)


def writable(folder: Path) -> None:
    """Check that something can be made in a folder, or in the nearest parent that exists."""
    check_name(place_of(folder))
    try:
        place = next(place for place in (folder, *folder.absolute().parents) if place.exists())
        if not place.is_dir():
            raise InputError(f"--out: {place} is a file, expected a folder")
        with workplace(place):
            pass
    except (OSError, ValueError) as error:  # ValueError: a null character
        if isinstance(error, InputError):
            raise
        why = getattr(error, "strerror", None) or error
        raise InputError(f"--out: {folder} cannot be written ({why})") from error


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
