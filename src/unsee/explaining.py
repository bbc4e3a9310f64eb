"""`explain`: the map of one call, with progress, an early end and the pictures of the result."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from types import FrameType

import torch
from torch import Tensor, nn

from unsee.classifiers.classifier import Classifier
from unsee.classifiers.measures import Measure
from unsee.explanation import Explanation
from unsee.infillers.base import Infiller
from unsee.inputs import Budget, Classes, Picture, whole_number
from unsee.masking.slots import CellsOrName
from unsee.methods.base import Method, Progress
from unsee.output.bars import bar
from unsee.registry import name_of
from unsee.registry.settings import SettingValue
from unsee.results.view import AssessedView
from unsee.study import DEFAULT_METHOD, Study
from unsee.types import Saliency

Callback = Callable[[Progress], bool | None]
"""A function that is called after each round; it returns False to end the run."""


def explain(  # noqa: PLR0913
    model: Classifier | nn.Module | str,
    images: Tensor | Picture | Sequence[Picture],
    method: Method | str = DEFAULT_METHOD,
    *,
    infiller: Infiller | str | None = None,
    targets: Classes | None = None,
    measure: Measure | str | None = None,
    cells: CellsOrName | int | None = None,
    seed: int = 0,
    repeats: int = 1,
    budget: Budget | None = None,
    deterministic: bool = False,
    progress: bool = False,
    callback: Callback | None = None,
    frames: int = 0,
    **settings: SettingValue,
) -> Explanation:
    """Find the pixels that a classifier's decision depends on.

    The same image, settings and seed give the same map on the same machine, bit for bit, if the
    batch, its order, the batch size of the network (`Classifier.chunk`) and the number of threads
    are the same. With `deterministic` the map does not depend on these four.

    Ctrl-C ends the run after its current round and returns the map so far; the provenance then has
    `ended_early`. A second Ctrl-C raises `KeyboardInterrupt`.

    Args:
        model: A torch module in evaluation mode, a `Classifier`, or the name of a classifier
            (`SOURCE[:ARGUMENT][,setting=value,...]`).
        images: A tensor (b, c, h, w) in [0, 1] at the size of the model's input, or photos of any
            size: paths, PIL images, arrays.
        method: A method, its name with or without settings (`rise:samples=200`), or published
            settings (`recipe:NAME`), which bring their in-filler and measure.
        infiller: An in-filler or its name with or without settings (`blur:sigma=3`); by default the
            one with which the method was published. See `resolve_parts`.
        targets: A class, or one for each image, by number or by name; default: the predicted class.
        measure: The score that is explained, a function or a name; by default the one with which
            the method was published.
        cells: What masks keep or remove as a whole: the method's grid (None), or segments of the
            photo, by name with or without settings (`slic:n=150`, `labels:PATH`). A number is the
            setting `cells` of a method.
        seed: Seed of all random numbers.
        repeats: Number of runs, with the seeds `seed`, `seed` + 1, ... The map is the mean of
            theirs, and `deviation` their standard deviation.
        budget: "fast", "balanced", "best" or a number of passes through the network for each photo.
            Replaces the method's number of steps or samples, or its stride.
        deterministic: Whether batch, order, batch size and threads change no bit of the map. Images
            are then explained one at a time, on one thread, with 16 masked images in the network at
            a time; a batch that does not fit in memory is an error.
        progress: Whether a progress bar is shown, in a terminal or in a notebook.
        callback: A function that is called with a `Progress` after each round of the method, such
            as an optimisation step. `progress.saliency()` are the maps so far. If it returns False,
            the run ends.
        frames: Number of maps to keep during the run, for `Explanation.animate`.
        settings: Settings of the method: `explain(model, photo, "rise", samples=200)`.

    Raises:
        InputError: Something cannot be used. It is a ValueError.
    """
    whole_number("frames", frames, 0)
    study = Study.of(
        model, images, method, infiller=infiller, targets=targets, measure=measure, cells=cells,
        seed=seed, repeats=repeats, budget=budget, deterministic=deterministic, **settings,
    )  # fmt: skip
    kept = _run(study, callback, frames, progress=progress)
    explanation = study.explanation
    if frames:
        last = (
            [] if kept and torch.equal(kept[-1], explanation.saliency) else [explanation.saliency]
        )
        explanation = replace(explanation, frames=torch.stack([*kept, *last]))
    if len(explanation) == 1:
        explanation = replace(explanation, view=AssessedView(study))
    return explanation


def _run(study: Study, callback: Callback | None, frames: int, *, progress: bool) -> list[Saliency]:
    """Run a study to its end, or to that of the user; return up to `frames` - 1 maps before it."""
    kept: list[Saliency] = []
    shown = bar(name_of(study.method)) if progress else nullcontext()
    with shown as line, _interruption() as interrupted:
        for step in study.steps():
            if frames * step.done // step.total > len(kept) and len(kept) < frames - 1:
                with study.mode(), torch.no_grad():
                    kept.append(step.saliency().detach())
            if line is not None:
                loss = "" if step.losses is None else f"loss {step.losses.mean().item():.3f}"
                line.update(step.done, step.total, loss)
            wants_end = callback is not None and callback(step) is False
            if step.done < step.total and (wants_end or interrupted()):
                study.stop()
                break
    return kept


@contextmanager
def _interruption() -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C into a request to end; a second one is a KeyboardInterrupt.

    Only in the main thread, and where nobody else handles the signal.
    """
    received: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(number)
        print(  # noqa: T201
            "unsee: ends after this round and returns the map so far; press Ctrl-C again to stop",
            file=sys.stderr,
        )

    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield lambda: False
        return
    signal.signal(signal.SIGINT, handle)
    try:
        yield lambda: bool(received)
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
