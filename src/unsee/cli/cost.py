"""Estimate how long a command takes, and say it before most of the time is spent."""

from dataclasses import dataclass, field
from time import perf_counter

from unsee.cli.console import print_note
from unsee.study import Study

ANNOUNCED = 60.0
"""Seconds from which an estimate is printed."""
MEASURED = 2.0
"""Seconds of a piece of work after which its duration is extrapolated."""
TRIED = 0.5
"""Seconds for which a method is tried before all of the work starts."""


def duration(seconds: float) -> str:
    """Return a duration in words, in seconds, minutes or hours."""
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    minutes = seconds / 60
    return f"{minutes:.0f} minutes" if minutes < 90 else f"{minutes / 60:.1f} hours"


def announce(seconds: float, work: str) -> None:
    """Print an estimate to standard error, unless it is short."""
    if seconds > ANNOUNCED:
        print_note(f"about {duration(seconds)}: {work}")


@dataclass
class Extrapolation:
    """The duration of a piece of work, from the time of its first part."""

    start: float = field(default_factory=lambda: perf_counter())
    first: tuple[float, float] | None = None
    """Time and share of the work after the first step, which may include preparations."""

    def seconds(self, share: float, least: float) -> float | None:
        """Return the duration of the whole; None before `least` seconds of steps are measured."""
        now = perf_counter()
        if self.first is None:
            self.first = (now, share)
        began, before = self.first
        if now - began < least or share <= before:
            return None
        return began - self.start + (now - began) * (1 - before) / (share - before)


class Forecast:
    """Announces once, early in the work, how long all of it takes.

    The work consists of equal pieces, such as photos. The estimate follows from the progress of the
    first piece, or from its duration.
    """

    def __init__(self, work: str, pieces: int = 1) -> None:
        self.work, self.pieces = work, pieces
        self.said = False
        self.piece = Extrapolation()

    def begin(self) -> None:
        """Start the clock of a piece."""
        self.piece = Extrapolation()

    def step(self, done: float, total: float) -> None:
        """Report the progress of a piece."""
        if not self.said and total > 0:
            self._say(self.piece.seconds(done / total, MEASURED))

    def end(self) -> None:
        """Report the end of a piece."""
        if not self.said and self.pieces > 1:
            self._say(perf_counter() - self.piece.start)
        self.said = True

    def _say(self, seconds: float | None) -> None:
        if seconds is not None:
            self.said = True
            announce(seconds * self.pieces, self.work)


def seconds_of(study: Study) -> float:
    """Return how long a study takes; it runs for half a second, or to its end if that is sooner.

    A study that reports no progress before its end runs to its end.
    """
    clock = Extrapolation()
    steps = study.steps()
    for step in steps:
        seconds = clock.seconds(step.done / step.total, TRIED)
        if seconds is not None:
            steps.close()
            return seconds
    return perf_counter() - clock.start
