"""Batch sizes: measured once for each network, device and image shape, then stored."""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from statistics import fmean
from tempfile import mkstemp

import torch
from torch import nn

from unsee.errors import InputError, is_out_of_memory
from unsee.storage import files
from unsee.storage.folders import cache_folder
from unsee.types import Images

CANDIDATES = {"cuda": (16, 32, 64, 128, 256, 512), "other": (4, 8, 16, 32)}
"""Batch sizes that are measured, in increasing order, by type of device."""
MAX_ROUNDS = 5
"""Rounds of measuring; the fastest round of each size counts."""
SECONDS_PER_ROUND = 0.25
"""Minimum time that each size is run for in a round."""
MAX_SECONDS = 4.0
"""Measuring stops once this much time is spent."""
SLOWDOWN_LIMIT = 1.5
"""Larger sizes are skipped once a size is this many times slower per image than the fastest."""
SPEEDUP_REQUIRED = 1.03
"""A larger size is chosen only if it is this many times faster per image, to save memory."""
MAX_STORED = 2**16
"""Largest size that is read from the cache; the file may have been edited."""
UNMEASURED_SIZE = 16
"""Batch size where nothing is measured: functions may be slow, expensive or remote."""

Seconds = Callable[[int], float]
"""Run a batch of the given size and return the seconds it takes."""


@dataclass
class BatchSizes:
    """Batch sizes of one network, by image shape and by kind of pass."""

    network: Callable[..., object] | None = None
    """Network that the sizes were measured for."""
    chunk: int | None = None
    """Fixed batch size; None measures the fastest one."""
    in_use: dict[str, int] = field(default_factory=dict)
    """Batch size in use by kind of pass, "forward" or "backward"; the largest over all shapes."""
    sizes: dict[str, int] = field(default_factory=dict)
    """Batch size by key; a key names everything that the size depends on."""

    def size(self, key: str, device: str, count: int, seconds: Seconds | None) -> int:
        """Return the batch size for `count` images.

        Measured sizes are stored in a file of the user's cache and read by later processes.

        Args:
            key: Names everything that the size depends on.
            device: Type of the device, e.g. "cuda".
            count: Number of images to process; a few images are not worth a measurement.
            seconds: Times a batch; None if the network cannot be timed.
        """
        candidates = CANDIDATES.get(device, CANDIDATES["other"])
        if key not in self.sizes:
            if self.chunk or seconds is None:
                self.sizes[key] = self.chunk or UNMEASURED_SIZE
            elif count <= candidates[0]:
                return self._use(key, candidates[0])
            else:
                self.sizes[key] = read(key) or write(key, fastest(candidates, seconds))
        return self._use(key, self.sizes[key])

    def reduce(self, key: str, size: int) -> None:
        """Use a smaller batch size from now on, because memory did not suffice."""
        self.sizes[key] = self.in_use[_kind_of(key)] = size

    def key(self, like: Images, precision: torch.dtype, *, gradient: bool) -> str:
        """Return a name for everything that the size of a batch of such images depends on."""
        device, size = like.device, "x".join(map(str, like.shape[1:]))
        chip = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
        threads, kind = torch.get_num_threads(), "backward" if gradient else "forward"
        return f"{self._network} {chip} {size} {precision} {threads} {torch.__version__} {kind}"

    @cached_property
    def _network(self) -> str:
        """Class of the network and its number of parameters."""
        module = self.network if isinstance(self.network, nn.Module) else nn.Identity()
        return f"{type(module).__name__} {sum(p.numel() for p in module.parameters())}"

    @property
    def largest(self) -> int:
        """Largest batch size in use so far."""
        return max(self.in_use.values(), default=0)

    def _use(self, key: str, size: int) -> int:
        kind = _kind_of(key)
        self.in_use[kind] = max(self.in_use.get(kind, 0), size)
        return size


def fastest(candidates: tuple[int, ...], seconds: Seconds) -> int:
    """Return the size with the shortest time per image among those that fit in memory."""
    best, times = candidates[0], _seconds_per_image(candidates, seconds)
    for size, time in times.items():
        if time * SPEEDUP_REQUIRED < times[best]:
            best = size
    return best


def _seconds_per_image(candidates: tuple[int, ...], seconds: Seconds) -> dict[int, float]:
    """Return the shortest time per image for each size that was measured.

    Each round measures every size, so that a temporary load of the machine affects all of them.
    """
    seconds(candidates[0])  # the first run also initialises the network
    times: dict[int, float] = {}
    elapsed = 0.0
    for round_number in range(MAX_ROUNDS):
        for size in tuple(times) if round_number else candidates:
            if times and elapsed > MAX_SECONDS:
                break
            try:
                runs = _round(size, seconds)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                break
            elapsed += sum(runs)
            time = fmean(runs) / size
            times[size] = min(time, times.get(size, torch.inf))
            if not round_number and time > SLOWDOWN_LIMIT * min(times.values()):
                break
    return times


def _round(size: int, seconds: Seconds) -> list[float]:
    """Return the times of enough runs that their mean is reliable."""
    runs: list[float] = []
    while sum(runs) < SECONDS_PER_ROUND:
        runs.append(seconds(size))
    return runs


def read(key: str) -> int | None:
    """Return the size stored on this machine; None without one, or if the file is unreadable."""
    return (_stored() or {}).get(key)


def write(key: str, size: int) -> int:
    """Store a size and return it; a cache that cannot be written is not an error.

    A file of another program, which may have the same name, stays as it is.
    """
    stored = _stored()
    if stored is not None:
        with suppress(OSError):
            _replace(_path(), json.dumps({**stored, key: size}, indent=1))
    return size


def _stored() -> dict[str, int] | None:
    """Return all stored sizes; None if the file holds anything else, none if there is no file."""
    path = _path()
    if not os.path.lexists(path):
        return {}
    try:
        content = files.read_json(path)
    except InputError:
        return None
    if isinstance(content, dict) and all(map(_is_size, content.values())):
        return content
    return None


def _is_size(value: object) -> bool:
    return type(value) is int and 0 < value <= MAX_STORED


def _replace(path: Path, text: str) -> None:
    """Write a file completely or not at all, and leave no other file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _kind_of(key: str) -> str:
    """Return the kind of pass of a key, its last word."""
    return key.rpartition(" ")[2]


def _path() -> Path:
    return Path(os.path.realpath(cache_folder() / "chunks.json"))
