"""What happens on the page: each event of a user as a function of Gradio's values.

Errors become one sentence on the page, and the server keeps running.
"""

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from html import escape
from inspect import isgeneratorfunction, unwrap
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import gradio as gr

from unsee.errors import InputError, as_message, printable
from unsee.images.drawing import to_pixels
from unsee.results import comparison, writing
from unsee.results.comparison_page import comparison_page
from unsee.results.page import fragment
from unsee.studio import views
from unsee.studio.desk import Answer, Choice, Desk
from unsee.studio.samples import name_for_user
from unsee.studio.shelf import Shelf
from unsee.studio.strip import strips

PERIOD = 0.2
"""Seconds between two pictures of a forming map."""
MOST_METHODS = 4
"""Methods in a comparison."""
PREDICTED = "(the predicted class)"
"""Entry of the list of classes that stands for the answer of the classifier."""
NO_CONTRAST = "(none)"
OWN = "(that of the method)"
"""Entry of the list of in-fillers that stands for the published one."""

P = ParamSpec("P")
R = TypeVar("R")


@contextmanager
def _sentence() -> Iterator[None]:
    """Turn every error into a message on the page."""
    try:
        yield
    except (gr.Error, GeneratorExit):
        raise
    except Exception as error:
        raise gr.Error(
            _words(error), duration=None, title="Not possible", print_exception=False
        ) from None


def _words(error: Exception) -> str:
    """Return the message of an error as one line."""
    return printable(str(as_message(error)))


def one_sentence(handler: Callable[P, R]) -> Callable[P, R]:
    """Wrap a handler, or a generator, so that its errors are one sentence on the page."""
    if isgeneratorfunction(unwrap(handler)):
        steps: Callable[P, Any] = handler

        @wraps(handler)
        def generate(*args: P.args, **kwargs: P.kwargs) -> Any:
            with _sentence():
                yield from steps(*args, **kwargs)

        return generate

    @wraps(handler)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        with _sentence():
            return handler(*args, **kwargs)

    return call


def require(desk: Desk | None, *, explained: bool = False) -> Desk:
    """Return the desk of a user; raise `InputError` without a photo, or without an explanation."""
    if desk is None:
        raise InputError("There is no photo yet: drop one, or pick one of the twelve.")
    if explained and desk.result is None:
        raise InputError("There is no explanation yet: press Explain.")
    return desk


def chosen_or_none(word: str | None, default: str) -> str | None:
    """Return what a list says; None for its default and for nothing."""
    return None if word in (default, "", None) else word.strip()


def choice_of(
    method: str, infiller: str, target: str, contrast: str, budget: str, seed: float | None
) -> Choice:
    """Return what the controls say."""
    return Choice(
        method=method.strip(),
        infiller=chosen_or_none(infiller, OWN),
        target=chosen_or_none(target, PREDICTED),
        contrast=chosen_or_none(contrast, NO_CONTRAST),
        budget=None if budget == "default" else budget,
        seed=int(seed or 0),
    )


@dataclass(frozen=True)
class Handlers:
    """Functions of the events; they share the classifiers."""

    shelf: Shelf

    @one_sentence
    def open(self, earlier: Desk | None, path: str | None, spec: str) -> Iterator[tuple[Any, ...]]:
        """Read a photo and ask the classifier; yield a desk, the classes and empty views.

        Until the photo is read, and after an error, there is no desk: the page never explains
        another photo, or with another classifier, than it shows.
        """
        if earlier is not None:
            earlier.close()
        if path is None:
            yield _nothing("Drop a photo to begin.")
            return
        yield _nothing("The photo is read and the classifier asked.")
        try:
            desk = Desk.open(path, Path(path).name, self.shelf, spec, name_for_user(path))
            answers = desk.answers()
        except Exception as error:
            yield _nothing(f"Drop another photo, or choose another classifier. {_words(error)}")
            raise
        if desk.photo.reduced_from is not None:
            (height, width), (h, w) = desk.photo.reduced_from, desk.photo.pixels.shape[-2:]
            gr.Info(f"The photo has {width} x {height} pixels; it was read at {w} x {h}.")
        words = ", ".join(f"{a.name} {a.words}" for a in answers[:3])
        note = views.EMPTY.format(f"The classifier answers: {escape(words)}. Press Explain.")
        opened = (*_classes(answers), views.canvas(desk))
        yield desk, *opened, *_no_comparison(), note, *_no_result()

    @one_sentence
    def explain(self, desk: Desk | None, *controls: Any) -> Iterator[tuple[Any, ...]]:
        """Explain the photo; yield the forming map, then the result, then the slider."""
        yield views.EMPTY.format("The explanation begins."), *_as_before()
        try:
            yield from self._explain(require(desk), choice_of(*controls))
        except Exception:
            if desk is not None and desk.result is not None:  # the choice could not be explained
                yield fragment(desk.result), *_as_before()
            else:
                hint = "Drop a photo to begin." if desk is None else "Press Explain."
                yield views.EMPTY.format(hint), *_no_result()
            raise

    def _explain(self, desk: Desk, choice: Choice) -> Iterator[tuple[Any, ...]]:
        latest = 0.0
        others = _no_result()
        for moment in desk.explain(choice):
            if desk.is_closed:
                return
            if time.monotonic() - latest > PERIOD or moment.done == moment.total:
                latest = time.monotonic()
                yield views.live(moment, choice.method), *others
                others = _as_before()
        result = require(desk, explained=True).result
        assert result is not None
        call = desk.call()
        swipe = to_pixels(desk.image[0]), to_pixels(result.removed[0])
        page = fragment(result)
        if desk.is_closed:
            return
        waiting = views.EMPTY.format("The pictures of the slider are being made.")
        yield page, waiting, swipe, call.python(), call.shell(), gr.skip()
        with desk.assessed():
            slider = views.slider(strips(result))
        if not desk.is_closed:
            yield gr.skip(), slider, *_as_before()[1:]

    def stop(self, desk: Desk | None) -> None:
        """End a run; the map so far is the result."""
        if desk is not None:
            desk.stop()

    @one_sentence
    def brush(self, desk: Desk | None, mode: str, infiller: str, event: gr.EventData) -> str:
        """Return what the classifier says when the painted pixels are removed, or alone kept."""
        desk = require(desk)
        desk.paint(str(event.mask))
        return self.brush_again(desk, mode, infiller)

    @one_sentence
    def brush_again(self, desk: Desk | None, mode: str, infiller: str) -> str:
        """Return the same for the pixels that were painted last."""
        if desk is None or desk.painted is None or not desk.painted.any():
            return views.EMPTY.format("Paint on the photo.")
        keep = mode == "keep"
        picture, after, before = desk.show(keep=keep, infiller=chosen_or_none(infiller, OWN))
        if desk.is_closed:
            return views.EMPTY.format("Paint on the photo.")
        share = f"{desk.painted.float().mean().item():.0%} of the pixels"
        return views.brushed(picture, after, before, f"{share} {'kept' if keep else 'removed'}")

    @one_sentence
    def compare(
        self, desk: Desk | None, methods: list[str], *controls: Any
    ) -> Iterator[tuple[str, Any]]:
        """Explain the photo with several methods; yield the page after each."""
        desk = require(desk)
        if not methods:
            raise InputError("Choose one to four methods.")
        choices = [choice_of(method, *controls) for method in methods[:MOST_METHODS]]
        heads = ("method", "infiller" if choices[0].infiller else "")
        yield views.EMPTY.format(f"{escape(methods[0])} is 1 of {len(choices)}."), gr.skip()
        page = ""
        for number, entries in enumerate(desk.compare(choices), 1):
            if desk.is_closed:
                return
            maps = [(e.title, e.saliency) for e in entries if e.saliency is not None]
            page = comparison_page(
                desk.image, f"{desk.name}: {number} of {len(choices)} methods",
                comparison.conclusion(entries), maps, comparison.short_table(entries, heads),
            )  # fmt: skip
            yield views.framed(page), gr.skip()
        file = desk.new_folder() / "comparison.html"
        file.write_text(page, encoding="utf-8")
        yield gr.skip(), gr.File(str(file), visible=True)

    @one_sentence
    def files(self, desk: Desk | None) -> Any:
        """Return the result folder as a ZIP file, and the report as an HTML file."""
        desk = require(desk, explained=True)
        folder = desk.new_folder()
        name = Path(desk.name).stem or "photo"
        with desk.assessed() as result:
            place = writing.write(result, desk.photo, folder / name, call=desk.call())
        archive = shutil.make_archive(str(folder / f"{name}"), "zip", folder, place.name)
        report = str(shutil.copy(place / writing.REPORT, folder / f"{name}.html"))
        return gr.File([archive, report], visible=True)


def _nothing(words: str) -> tuple[Any, ...]:
    """Return values of all views without a photo; `words` are in place of the map and the brush."""
    empty = views.EMPTY.format(escape(words))
    return None, *_classes([]), empty, *_no_comparison(), empty, *_no_result()


def _no_comparison() -> tuple[Any, ...]:
    """Return values without a comparison, its file, and an answer to the brush."""
    return "", gr.File(None, visible=False), views.EMPTY.format("Paint on the photo.")


def _no_result() -> tuple[Any, ...]:
    """Return values without a slider, a photo to swipe, both calls, and files."""
    slider = views.EMPTY.format("Explain a photo first.")
    return slider, None, "", "", gr.File(None, visible=False)


def _as_before() -> tuple[Any, ...]:
    """Return values that leave the slider, the swipe, both calls and the files as they are."""
    return (gr.skip(),) * len(_no_result())


def _classes(answers: Sequence[Answer]) -> tuple[Any, Any]:
    """Return the lists of classes to explain, and to explain against."""
    names = [(f"{a.name}  {a.words}", a.name) for a in answers]
    return (
        gr.Dropdown(choices=[(PREDICTED, PREDICTED), *names], value=PREDICTED),
        gr.Dropdown(choices=[(NO_CONTRAST, NO_CONTRAST), *names], value=NO_CONTRAST),
    )
