"""What one user of the studio does: choose a photo, explain it, remove pixels, compare methods.

No function here knows of the web page. Networks run under one lock, a step at a time, so that users
who explain at once take turns.
"""

import base64
import io
import shutil
import tempfile
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from unsee.classifiers.classifier import Classifier
from unsee.classifiers.measures import Against
from unsee.classifiers.modes import own_modes
from unsee.errors import InputError, as_input_error
from unsee.images import opening, reading
from unsee.images.drawing import Pixels, overlay, to_pixels
from unsee.images.reading import PhotoFile
from unsee.masking.score import MaskedScore
from unsee.methods.base import Progress
from unsee.noise import seeds_of
from unsee.parts import resolve_parts
from unsee.results import comparison
from unsee.results.assessment import Assessment, assess
from unsee.results.calls import Call, averages_scores
from unsee.results.comparison import Entry
from unsee.results.values import in_words, values_of
from unsee.studio.shelf import Shelf, released
from unsee.study import DEFAULT_METHOD, Study
from unsee.types import Images

NETWORK = threading.RLock()
"""Held while a network computes."""
MAX_PAINTED = 2**22
"""Bytes of the picture of painted pixels."""
ANSWERS = 5
"""Most probable classes that are listed."""


class Answer(NamedTuple):
    """A class with its probability, or the value of a regression."""

    name: str
    value: float
    words: str
    """The number as text."""


class Moment(NamedTuple):
    """A run after one of its rounds."""

    done: int
    total: int
    picture: Pixels
    """The map so far over the photo."""
    losses: list[float]
    """Mean loss after each round so far; empty for a method that minimises none."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What a user chooses for an explanation; None stands for a default."""

    method: str = DEFAULT_METHOD
    infiller: str | None = None
    target: str | None = None
    contrast: str | None = None
    budget: str | None = None
    seed: int = 0


@dataclass(eq=False)
class Desk:
    """A photo with a classifier, and what was computed for them."""

    photo: PhotoFile
    name: str
    """Name of the photo."""
    shelf: Shelf
    spec: str
    """Name of the classifier."""
    place: str = ""
    """Path by which a user finds the photo; empty for its name."""
    image: Images = field(init=False)
    """The photo as the classifier sees it."""
    choice: Choice = field(default_factory=Choice, init=False)
    study: Study | None = field(default=None, init=False)
    result: Assessment | None = field(default=None, init=False)
    painted: Bool[Tensor, "h w"] | None = field(default=None, init=False)
    """Pixels that the user painted, at the size of the classifier's input."""
    is_closed: bool = field(default=False, init=False)
    """Whether the user has left the photo, so that nothing of it may be shown."""
    _stop: threading.Event = field(default_factory=threading.Event, init=False)
    _in_use: threading.Lock = field(default_factory=threading.Lock, init=False)
    """Held while the result has its network."""

    def __post_init__(self) -> None:
        classifier = self.classifier
        self.image = classifier.framing.show(self.photo.pixels).to(classifier.device)

    @classmethod
    def open(cls, path: str, name: str, shelf: Shelf, spec: str, place: str = "") -> "Desk":
        """Read a photo; see `reading.read` for its errors, which have the photo's name."""
        channels = shelf.get(spec, shelf).channels
        try:
            photo = reading.read(path, channels)
        except InputError as error:
            raise InputError(str(error).replace(str(path), name)) from error
        return cls(photo, name, shelf, spec, place)

    @property
    def classifier(self) -> Classifier:
        """The classifier, which is loaded again if others have taken its place in memory."""
        return self.shelf.get(self.spec, self)

    def answers(self) -> list[Answer]:
        """Return the most probable classes of the photo."""
        classifier = self.classifier
        with NETWORK, torch.no_grad():
            row = values_of(classifier, self.image)[0]
        return _answers(classifier, row, row)

    def bind(self, choice: Choice) -> Study:
        """Return a study of the photo; raise `InputError` for what cannot be explained."""
        measure = None if choice.contrast is None else Against(choice.contrast)
        classifier = self.classifier
        with NETWORK:
            return Study.of(
                classifier, self.image, choice.method, infiller=choice.infiller,
                targets=choice.target, measure=measure, seed=choice.seed, budget=choice.budget,
            )  # fmt: skip

    def explain(self, choice: Choice) -> Iterator[Moment]:
        """Explain the photo and yield after each round; at the end there is a `result`.

        `stop` ends the run after its current round; the result is then that of the map so far. An
        earlier result is kept if the photo cannot be explained so.
        """
        self._stop.clear()
        study = self.bind(choice)
        self.study = self.result = None
        losses: list[float] = []
        for step in self._rounds(study):
            yield self._moment(study, step, losses)
        with NETWORK:
            self.result = assess(study)
        self.study, self.choice = study, choice
        study.score = replace(study.score, classifier=released(study.score.classifier))

    @contextmanager
    def assessed(self) -> Iterator[Assessment]:
        """Give the result its network in the block; outside it keeps no network in memory."""
        with self._in_use:
            study, result = self.study, self.result
            if study is None or result is None:
                raise InputError("There is no explanation yet: press Explain.")
            study.score = replace(study.score, classifier=self.classifier)
            try:
                yield result
            finally:
                study.score = replace(study.score, classifier=released(study.score.classifier))

    def _rounds(self, study: Study) -> Iterator[Progress]:
        """Run a study, under the lock, to its end or until `stop`; yield after each round."""
        steps = study.steps()
        while True:
            with NETWORK:
                step = next(steps, None)
            if step is None:
                return
            yield step
            if self._stop.is_set():
                steps.close()
                with NETWORK:
                    study.stop()
                return

    def stop(self) -> None:
        """End a run after its current round."""
        self._stop.set()

    def close(self) -> None:
        """End a run whose result nobody needs any more."""
        self.is_closed = True
        self.stop()

    def _moment(self, study: Study, step: Progress, losses: list[float]) -> Moment:
        if step.losses is not None:
            losses.append(step.losses.mean().item())
        with NETWORK, study.mode(), torch.no_grad():
            saliency = step.saliency()
        return Moment(step.done, step.total, overlay(self.image[0], saliency[0]), losses)

    def new_folder(self) -> Path:
        """Return an empty folder, which is deleted with the desk."""
        folder = Path(tempfile.mkdtemp(prefix="unsee-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return folder

    def call(self) -> Call:
        """Return how a user repeats the last explanation."""
        choice = self.choice
        return Call(
            photo=self.place or self.name, classifier=self.spec, method=choice.method,
            infiller=choice.infiller, target=choice.target, contrast=choice.contrast,
            seed=choice.seed, budget=choice.budget,
            precision="float32" if averages_scores(choice.method) else "auto",
            device=self.shelf.device, trust=self.shelf.trusts(self.spec),
            ended_early=None if self.study is None else self.study.ended_early,
        )  # fmt: skip

    def paint(self, address: str) -> None:
        """Take the painted pixels from a picture: those whose alpha is at least a half.

        Args:
            address: A PNG file of the size of the classifier's input, as a `data:` address.

        Raises:
            InputError: It is not such a picture.
        """
        head, _, text = address.partition(",")
        with as_input_error("the painted picture cannot be read"):
            content = base64.b64decode(text, validate=True)
        if head != "data:image/png;base64" or len(content) > MAX_PAINTED:
            raise InputError("expected the painted pixels as a PNG file of the photo's size")
        with opening.opened(io.BytesIO(content), "the painted picture") as picture:
            if picture.size != tuple(self.image.shape[:-3:-1]):
                raise InputError("the painted picture is of another photo; paint again")
            alpha = np.asarray(picture.convert("RGBA"))[..., 3]
        self.painted = torch.from_numpy(alpha > 127).to(self.image.device)

    def show(
        self, *, keep: bool, infiller: str | None
    ) -> tuple[Pixels, list[Answer], list[Answer]]:
        """In-fill the painted pixels, or all others.

        Args:
            keep: Whether the painted pixels are kept and all others removed.
            infiller: In-filler, by default that of the method.

        Returns:
            The picture, its most probable classes, and those classes for the photo.
        """
        painted = self.painted
        if painted is None:
            raise InputError("Nothing is painted yet.")
        instance = resolve_parts(self.choice.method, infiller).infiller
        classifier = self.classifier
        with NETWORK, own_modes(classifier.device, deterministic=False), torch.no_grad():
            first = torch.zeros(1, dtype=torch.long, device=self.image.device)
            score = MaskedScore(
                classifier, instance, self.image, first, seeds_of(self.image, self.choice.seed)
            )
            mask = (painted if keep else ~painted).to(self.image)[None, None, None]
            picture = score.pictures(mask)
            rows = values_of(classifier, torch.cat([picture, self.image]))
        after, before = (_answers(classifier, row, rows[0]) for row in rows)
        return to_pixels(picture[0]), after, before

    def compare(self, choices: list[Choice]) -> Iterator[list[Entry]]:
        """Explain the photo with several methods; yield the entries after each."""
        entries: list[Entry] = []
        self._stop.clear()
        for choice in choices:
            entries.append(self._entry(choice))
            yield entries
            if self._stop.is_set():
                return

    def _entry(self, choice: Choice) -> Entry:
        try:
            study, name = self.bind(choice), choice.method
            for step in self._rounds(study):
                if self._stop.is_set() and step.done < step.total:
                    name = f"{choice.method}, stopped after {step.done} of {step.total}"
            with NETWORK:
                return comparison.measure_study(study, name, choice.infiller or "")
        except InputError as error:
            return Entry(choice.method, choice.infiller or "", error=str(error))


def _answers(
    classifier: Classifier, row: Float[Tensor, " classes"], order: Float[Tensor, " classes"]
) -> list[Answer]:
    """Return the values of the classes that are highest in `order`."""
    indices = order.topk(min(ANSWERS, len(order))).indices.tolist()
    values = [(i, row[i].item()) for i in indices]
    return [Answer(classifier.label(i), value, in_words(value, classifier)) for i, value in values]
