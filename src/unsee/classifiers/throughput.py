"""The least that a classifier's passes can cost, and how far methods are above it."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

import torch
from torch import nn

from unsee.classifiers.chunked import no_room
from unsee.classifiers.classifier import Classifier, synchronise, unwrapped
from unsee.errors import InputError
from unsee.types import Images, Size

LAYOUTS = {"channels_last": torch.channels_last, "contiguous": torch.contiguous_format}
"""Memory formats of the images."""


@dataclass(frozen=True)
class Timing:
    """Seconds that the bare network takes for each image of a batch."""

    precision: str
    layout: str
    chunk: int
    forward: float
    both: float
    """Forward and the gradient by the image."""


@dataclass(frozen=True)
class Floor:
    """The least seconds an image, of a forward and of a forward with a backward."""

    forward: float
    both: float

    def overhead(self, cost: dict[str, Any], seconds: float | None = None) -> float:
        """How many times its passes' least cost a method took; by default the cost's own seconds.

        seconds / (forwards without gradient x forward + forwards with gradient x both)
        """
        alone = cost["forwards"] - cost["backwards"]
        spent: float = cost["seconds"] if seconds is None else seconds
        return spent / max(alone * self.forward + cost["backwards"] * self.both, 1e-12)


def timings(
    classifier: Classifier,
    size: Size,
    chunks: tuple[int, ...],
    precisions: tuple[torch.dtype, ...],
    rounds: int = 3,
    seconds: float = 0.5,
) -> Iterator[Timing]:
    """Time the bare network: the least of several rounds of at least some seconds each.

    The first batch does not count. A round is a mean over its batches, as a method's time is: the
    luckiest single batch is no floor that anything long could reach.

    Raises `InputError` for a classifier that is no torch module.
    """
    if not isinstance(classifier.model, nn.Module):
        raise InputError("a black box has no floor to measure; it needs a torch module")
    for precision in precisions:
        asked = replace(classifier, precision=precision)
        for layout in LAYOUTS:
            for chunk in chunks:
                try:
                    forward, both = (
                        bare(asked, size, layout, chunk, gradient, rounds, seconds)
                        for gradient in (False, True)
                    )
                except RuntimeError as error:
                    if not no_room(error):
                        raise
                    break
                name = str(precision).removeprefix("torch.")
                yield Timing(name, layout, chunk, forward, both)


def bare(
    classifier: Classifier,
    size: Size,
    layout: str,
    chunk: int,
    gradient: bool,
    rounds: int = 1,
    seconds: float = 1.0,
) -> float:
    """Seconds that the network alone takes for each image, in the classifier's precision."""
    shape = (chunk, classifier.channels, *size)
    x = torch.zeros(shape, device=classifier.device).contiguous(memory_format=LAYOUTS[layout])
    return least(lambda: passed(classifier, x, gradient), rounds, seconds) / chunk


def least(work: Callable[[], None], rounds: int, seconds: float) -> float:
    """Seconds that the work takes in the fastest round; it is done once before they begin."""
    work()
    means = []
    for _ in range(rounds):
        start, done, spent = time.perf_counter(), 0, 0.0
        while not done or spent < seconds:
            work()
            done, spent = done + 1, time.perf_counter() - start
        means.append(spent / done)
    return min(means)


def passed(classifier: Classifier, x: Images, gradient: bool) -> None:
    """One batch through the bare network, waited for."""
    mixed = classifier.precision != torch.float32
    with torch.set_grad_enabled(gradient):
        images = x.detach().requires_grad_(gradient)
        with torch.autocast(x.device.type, classifier.precision, mixed):
            output: Any = classifier.model(images)
        if gradient:
            torch.autograd.grad(unwrapped(output).float().sum(), images)
    synchronise(x.device)


@dataclass(frozen=True)
class Best:
    """Where the bare network was fastest, to time it there again."""

    forward: Timing
    both: Timing

    @property
    def floor(self) -> Floor:
        """As it was then."""
        return Floor(self.forward.forward, self.both.both)

    def now(self, classifier: Classifier, size: Size, seconds: float) -> Floor:
        """The floor at this moment: machines do not keep their speed from minute to minute."""
        return Floor(
            *(
                bare(classifier, size, there.layout, there.chunk, gradient, 1, seconds)
                for there, gradient in ((self.forward, False), (self.both, True))
            )
        )


def best(found: list[Timing], precision: str) -> Best:
    """Of one precision."""
    same = [timing for timing in found if timing.precision == precision]
    return Best(min(same, key=lambda t: t.forward), min(same, key=lambda t: t.both))


def amid(steps: Iterable[object], bare: Callable[[], Floor], every: float) -> tuple[float, Floor]:
    """Seconds that steps take in all, and the mean floor, timed anew after every so many seconds.

    On a machine whose speed wanders, only what is timed in turns can be compared.
    """
    spent, floors = 0.0, [bare()]
    start = time.perf_counter()
    for _ in steps:
        now = time.perf_counter()
        if now - start >= every:
            spent += now - start
            floors.append(bare())
            start = time.perf_counter()
    spent += time.perf_counter() - start
    floors.append(bare())
    return spent, Floor(fmean(f.forward for f in floors), fmean(f.both for f in floors))
