"""Recognise the folders that unsee wrote, whose pictures are no photos of the user."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from unsee.errors import InputError
from unsee.storage.files import exists, read_json
from unsee.storage.folders import MANIFEST, WRITTEN

TRAINING = {"out", "data", "steps", "seed"}
"""Settings of every training."""
MARKS: dict[str, Callable[[dict[str, Any]], bool]] = {
    MANIFEST: lambda content: WRITTEN in content,
    "run.json": lambda content: {"settings", "photos", "versions"} <= content.keys(),
    "stages.json": lambda content: {"stages", "table"} <= content.keys(),
    "training.json": lambda content: dict(content["settings"]).keys() >= TRAINING,
}
"""Files that mark a result, a run, a run with stages and a training, and how each is recognised;
another program may write files of these names."""


def is_result(folder: Path) -> bool:
    """Return whether a folder is a result, or holds results and nothing else."""
    if _has_mark(folder):
        return True
    with suppress(OSError), os.scandir(folder) as entries:
        inside = 0
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if not entry.is_dir() or not _has_mark(folder / entry.name):
                return False
            inside += 1
        return inside > 0
    return False


def is_mark(path: Path) -> bool:
    """Return whether a file has the name of a mark and was written by unsee."""
    with suppress(InputError, KeyError, TypeError, ValueError):
        content = read_json(path)
        return isinstance(content, dict) and MARKS[path.name](content)
    return False


def _has_mark(folder: Path) -> bool:
    return any(exists(folder / name) and is_mark(folder / name) for name in MARKS)
