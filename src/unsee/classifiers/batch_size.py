"""Batch sizes: measured once for each network, device and image shape, then stored."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from statistics import fmean
from tempfile import NamedTemporaryFile

import torch
from torch import nn

from unsee.classifiers.chunked import is_out_of_memory
from unsee.folders import cache_folder
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
    largest: int = 0
    """Largest batch size in use so far."""
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
                return self._in_use(candidates[0])
            else:
                self.sizes[key] = read(key) or write(key, fastest(candidates, seconds))
        return self._in_use(self.sizes[key])

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

    def _in_use(self, size: int) -> int:
        self.largest = max(self.largest, size)
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
            except RuntimeError as error:
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
    try:
        size = json.loads(_path().read_text(encoding="utf-8")).get(key)
    except (OSError, ValueError, AttributeError):
        return None
    return size if isinstance(size, int) and size > 0 else None


def write(key: str, size: int) -> int:
    """Store a size and return it; a cache that cannot be written is not an error."""
    path = _path()
    try:
        sizes = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        sizes = {}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
            json.dump({**sizes, key: size}, file, indent=1)
        Path(file.name).replace(path)
    except (OSError, TypeError):
        return size
    return size


def _path() -> Path:
    return cache_folder() / "chunks.json"
