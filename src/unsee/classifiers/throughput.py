"""Time the passes of a classifier's network, and the overhead of methods over their passes."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

import torch
from torch.utils.benchmark import Timer

from unsee.classifiers.classifier import Classifier
from unsee.errors import is_out_of_memory
from unsee.types import Size

MEMORY_FORMATS = {"channels_last": torch.channels_last, "contiguous": torch.contiguous_format}
"""Memory formats of the images."""


@dataclass(frozen=True)
class Timing:
    """Seconds per image of the network alone, in one configuration."""

    precision: str
    memory_format: str
    chunk: int
    """Images in the network at a time."""
    forward: float
    """Seconds per image of a forward pass."""
    forward_backward: float
    """Seconds per image of a forward pass and the gradient by the image."""


@dataclass(frozen=True)
class PassCost:
    """Seconds per image of a pass of the network alone, in its fastest configuration."""

    forward: float
    """Seconds of a forward pass."""
    forward_backward: float
    """Seconds of a forward pass and the gradient by the image."""

    def seconds(self, cost: dict[str, Any]) -> float:
        """Return the seconds of the passes of a provenance's `cost`."""
        without_gradient = cost["forwards"] - cost["backwards"]
        return float(without_gradient * self.forward + cost["backwards"] * self.forward_backward)

    def overhead(self, cost: dict[str, Any], seconds: float | None = None) -> float:
        """Return how many times longer a method took than its passes alone would.

        seconds / (forwards without gradient * forward + forwards with gradient * forward_backward)

        Args:
            cost: Forwards, backwards and seconds of a method, as in the provenance.
            seconds: Seconds of the method; None takes those of `cost`.
        """
        elapsed: float = cost["seconds"] if seconds is None else seconds
        return elapsed / max(self.seconds(cost), 1e-12)


@dataclass(frozen=True)
class FastestConfigurations:
    """Configurations in which the network is fastest, forwards and with a backward pass."""

    forward: Timing
    forward_backward: Timing

    @property
    def cost(self) -> PassCost:
        """Measured cost of a pass."""
        return PassCost(self.forward.forward, self.forward_backward.forward_backward)

    def measure_again(self, classifier: Classifier, size: Size, seconds: float) -> PassCost:
        """Return the cost of a pass at this moment; the speed of a machine varies over time."""
        forward, forward_backward = (
            seconds_per_image(
                classifier, size, timing.memory_format, timing.chunk, gradient, seconds=seconds
            )
            for timing, gradient in ((self.forward, False), (self.forward_backward, True))
        )
        return PassCost(forward, forward_backward)


def fastest(timings: Iterable[Timing], precision: str) -> FastestConfigurations:
    """Return the fastest of the configurations of one precision."""
    candidates = [timing for timing in timings if timing.precision == precision]
    return FastestConfigurations(
        min(candidates, key=lambda timing: timing.forward),
        min(candidates, key=lambda timing: timing.forward_backward),
    )


def timings(
    classifier: Classifier,
    size: Size,
    chunks: tuple[int, ...],
    precisions: tuple[torch.dtype, ...],
    rounds: int = 3,
    seconds: float = 0.5,
) -> Iterator[Timing]:
    """Time the network alone in all configurations that fit in memory.

    Args:
        classifier: Classifier whose network is timed; its passes are not counted.
        size: Height and width of the images in pixels.
        chunks: Numbers of images in the network at a time, in increasing order.
        precisions: Precisions of a pass.
        rounds: Rounds of each configuration; the fastest one counts.
        seconds: Minimum duration of a round in seconds.

    Raises:
        InputError: The classifier is not a torch module.
    """
    classifier.require_network("timing a network")
    for precision in precisions:
        at_precision = replace(classifier, precision=precision)
        for memory_format in MEMORY_FORMATS:
            for chunk in chunks:
                try:
                    forward, forward_backward = (
                        seconds_per_image(
                            at_precision, size, memory_format, chunk, gradient, rounds, seconds
                        )
                        for gradient in (False, True)
                    )
                except RuntimeError as error:
                    if not is_out_of_memory(error):
                        raise
                    break
                name = str(precision).removeprefix("torch.")
                yield Timing(name, memory_format, chunk, forward, forward_backward)


def seconds_per_image(
    classifier: Classifier,
    size: Size,
    memory_format: str,
    chunk: int,
    gradient: bool,
    rounds: int = 1,
    seconds: float = 1.0,
) -> float:
    """Return the seconds per image of the network alone, in the classifier's precision.

    A round is the mean over its passes, as a method's time is; the fastest round counts. The first
    passes, which initialise the network, are not timed.
    """
    shape = (chunk, classifier.channels, *size)
    x = torch.zeros(shape, device=classifier.device)
    x = x.contiguous(memory_format=MEMORY_FORMATS[memory_format])
    timer = Timer(
        "classifier.run_normalised(x, gradient=gradient)",
        globals={"classifier": classifier, "x": x, "gradient": gradient},
        num_threads=torch.get_num_threads(),
    )
    means = [timer.blocked_autorange(min_run_time=seconds).mean for _ in range(rounds)]
    return float(min(means)) / chunk


def interleave(
    steps: Iterable[object], measure: Callable[[], PassCost], interval: float
) -> tuple[float, PassCost]:
    """Time the steps of a method and, in between, the passes of the network.

    Because the speed of a machine varies over time, only what is timed in turns can be compared.

    Args:
        steps: Steps of a method; iterating runs them.
        measure: Measures the current cost of a pass.
        interval: Seconds of steps between two measurements.

    Returns:
        Seconds of all steps together, and the mean cost of a pass.
    """
    elapsed, costs = 0.0, [measure()]
    start = time.perf_counter()
    for _ in steps:
        now = time.perf_counter()
        if now - start >= interval:
            elapsed += now - start
            costs.append(measure())
            start = time.perf_counter()
    elapsed += time.perf_counter() - start
    costs.append(measure())
    return elapsed, PassCost(
        fmean(cost.forward for cost in costs), fmean(cost.forward_backward for cost in costs)
    )
