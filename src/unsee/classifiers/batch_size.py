"""How many images go through a network at a time: measured once, then remembered."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from tempfile import NamedTemporaryFile

import torch

from unsee.classifiers.chunked import no_room
from unsee.folders import cache_folder

SIZES = {"cuda": (16, 32, 64, 128, 256, 512), "other": (4, 8, 16, 32)}
"""Tried in turn on each kind of device."""
ROUNDS = 5
"""Of measuring, in which the fastest run counts."""
TURN = 0.25
"""Seconds that a size is run for in each round, at least."""
PATIENCE = 4.0
"""Seconds after which nothing more is tried."""
HOPELESS = 1.5
"""Larger sizes than one that is so much slower are not tried."""
MARGIN = 1.03
"""A larger size must be that much faster per image: memory counts too."""
UNMEASURED = 16
"""For what cannot be measured: functions that may be slow, dear or remote."""

Seconds = Callable[[int], float]
"""How long a batch of so many images takes."""


@dataclass
class Chunks:
    """The sizes found for one classifier, for each shape of image, with gradient and without."""

    fixed: int = 0
    """A size that was asked for; 0 measures."""
    used: int = 0
    """The largest so far."""
    found: dict[str, int] = field(default_factory=dict)

    def size(self, key: str, device: str, wanted: int, seconds: Seconds | None) -> int:
        """How many at a time, if `wanted` are asked for; None for `seconds` measures nothing.

        Sizes are kept in a file of the user's cache: the same machine finds the same ones again.
        """
        sizes = SIZES.get(device, SIZES["other"])
        if key not in self.found:
            if self.fixed or seconds is None:
                self.found[key] = self.fixed or UNMEASURED
            elif wanted <= sizes[0]:
                return self._used(sizes[0])
            else:
                self.found[key] = remembered(key) or remember(key, best(sizes, seconds))
        return self._used(self.found[key])

    def _used(self, size: int) -> int:
        self.used = max(self.used, size)
        return size


def best(sizes: tuple[int, ...], seconds: Seconds) -> int:
    """The size of the least time for each image; memory that runs out ends the search."""
    chosen, least = sizes[0], _least(sizes, seconds)
    for size, each in least.items():
        if each * MARGIN < least[chosen]:
            chosen = size
    return chosen


def _least(sizes: tuple[int, ...], seconds: Seconds) -> dict[int, float]:
    """Seconds an image at the sizes that were tried.

    All have their turn in each round: a busy moment of the machine speaks against all alike.
    """
    seconds(sizes[0])  # the first run also sets things up
    least: dict[int, float] = {}
    spent = 0.0
    for number in range(ROUNDS):
        for size in tuple(least) if number else sizes:
            if least and spent > PATIENCE:
                break
            try:
                runs = _turn(size, seconds)
            except RuntimeError as error:
                if not no_room(error):
                    raise
                break
            spent += sum(runs)
            each = fmean(runs) / size
            least[size] = min(each, least.get(size, torch.inf))
            if not number and each > HOPELESS * min(least.values()):
                break
    return least


def _turn(size: int, seconds: Seconds) -> list[float]:
    """Enough runs to say something: of many short ones, one is always lucky."""
    runs: list[float] = []
    while sum(runs) < TURN:
        runs.append(seconds(size))
    return runs


def remembered(key: str) -> int:
    """What was found on this machine; 0 if nothing was, or if the file cannot be read."""
    try:
        size = json.loads((cache_folder() / "chunks.json").read_text(encoding="utf-8")).get(key, 0)
    except (OSError, ValueError, AttributeError):
        return 0
    return size if isinstance(size, int) and size > 0 else 0


def remember(key: str, size: int) -> int:
    """Keep a size; a cache that cannot be written is no error."""
    path = cache_folder() / "chunks.json"
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
            json.dump({**known, key: size}, file, indent=1)
        Path(file.name).replace(path)
    except (OSError, TypeError):
        return size
    return size
