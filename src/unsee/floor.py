"""The least that a classifier's passes can cost, and how far methods are above it."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from unsee.classifier import Classifier, synchronise, unwrapped
from unsee.errors import InputError
from unsee.oracle import no_room
from unsee.types import Images

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
    """The best of all that was tried."""

    forward: float
    both: float

    def overhead(self, cost: dict[str, Any]) -> float:
        """How many times its passes' least cost a method took.

        seconds / (forwards without gradient x forward + forwards with gradient x both)
        """
        alone = cost["forwards"] - cost["backwards"]
        seconds: float = cost["seconds"]
        return seconds / max(alone * self.forward + cost["backwards"] * self.both, 1e-12)


def timings(
    classifier: Classifier,
    size: tuple[int, int],
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
    network = classifier.model
    if not isinstance(network, nn.Module):
        raise InputError("a black box has no floor to measure; it needs a torch module")
    for precision in precisions:
        for layout, how in LAYOUTS.items():
            for chunk in chunks:
                shape = (chunk, classifier.channels, *size)
                x = torch.zeros(shape, device=classifier.device).contiguous(memory_format=how)
                asked = replace(classifier, precision=precision)
                try:
                    forward, both = (
                        least(
                            lambda g=g, x=x, asked=asked: passed(asked, x, g),  # type: ignore[misc]
                            rounds,
                            seconds,
                        )
                        / chunk
                        for g in (False, True)
                    )
                except RuntimeError as error:
                    if not no_room(error):
                        raise
                    break
                name = str(precision).removeprefix("torch.")
                yield Timing(name, layout, chunk, forward, both)


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


def of(found: list[Timing], precision: str) -> Floor:
    """The floor at one precision."""
    same = [timing for timing in found if timing.precision == precision]
    return Floor(min(t.forward for t in same), min(t.both for t in same))
