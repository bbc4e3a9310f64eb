"""Explain a classifier's decisions: `explain`, and `Study` for more control."""

import platform
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unsee import inputs
from unsee.classifiers import determinism, loading, measures
from unsee.classifiers.classifier import Classifier
from unsee.classifiers.measures import Logits, Measure
from unsee.classifiers.modes import own_modes
from unsee.classifiers.outputs import Outputs
from unsee.errors import InputError, Note
from unsee.explanation import Explanation
from unsee.folders import json_bytes
from unsee.infillers.base import Infiller
from unsee.inputs import Budget, Classes, Picture, whole_number
from unsee.libraries import import_libraries
from unsee.masking.score import MaskedScore
from unsee.masking.slots import CellsOrName, resolve_cells
from unsee.methods._cells import provenance_of
from unsee.methods._constant import check_maps
from unsee.methods._no_evidence import causes_of, note_of
from unsee.methods._one_by_one import predict_one_by_one, run_one_by_one
from unsee.methods.base import Method, Progress
from unsee.metrics._similarity import stability
from unsee.noise import seeds_of
from unsee.parts import resolve_parts
from unsee.registry import packages_of, settings_of
from unsee.registry.settings import SettingValue

DEFAULT_METHOD = "tide"
"""Name of the method that explains by default."""


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
    **settings: SettingValue,
) -> Explanation:
    """Find the pixels that a classifier's decision depends on.

    The same image, settings and seed give the same map on the same machine, bit for bit, if the
    batch, its order, the batch size of the network (`Classifier.chunk`) and the number of threads
    are the same. With `deterministic` the map does not depend on these four.

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
        settings: Settings of the method: `explain(model, photo, "rise", samples=200)`.

    Raises:
        InputError: Something cannot be used. It is a ValueError.
    """
    study = Study.of(
        model, images, method, infiller=infiller, targets=targets, measure=measure, cells=cells,
        seed=seed, repeats=repeats, budget=budget, deterministic=deterministic, **settings,
    )  # fmt: skip
    return study.finish()


@dataclass(eq=False)
class Study:
    """A method bound to a classifier and images; it runs while `steps` is iterated."""

    method: Method
    score: MaskedScore
    seed: int
    repeats: int = 1
    deterministic: bool = False
    accepts_constant: bool = False
    """Whether maps may have the same value everywhere, as those of random weights may."""
    words: Callable[[Note], str] = str
    """Function that turns notes into text; `Note.in_shell` names options of the command line."""
    logits: Logits | None = None
    """Outputs of the classifier for the images; notes on near-chance classes need them."""
    explanation: Explanation = field(init=False)
    """Available after the last step."""
    maps: Float[Tensor, "r b h w"] = field(init=False)
    """Maps of each seed; available after the last step."""
    causes: list[list[str]] = field(init=False)
    """Why the map of each image shows no evidence, in words; available after the last step."""

    @classmethod
    def of(  # noqa: PLR0913
        cls,
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
        **settings: SettingValue,
    ) -> "Study":
        """Check all arguments, those of `explain`, and bind them."""
        if isinstance(cells, int):
            cells, settings = None, {**settings, "cells": cells}
        parts = resolve_parts(method, infiller, measure, **settings)
        seed, repeats = whole_number("seed", seed), whole_number("repeats", repeats, 1)
        parts.method.check()
        passes = None if budget is None else inputs.passes_of(budget)
        classifier = loading.load(model)
        if deterministic:
            classifier = replace(classifier, chunk=determinism.CHUNK, sampling_precision=None)
        with own_modes(classifier.device, deterministic=deterministic):
            photos = inputs.as_images(images, classifier)
            x = inputs.own_copy(photos.images, classifier.device)
            classifier.check(x)
            classifier.require_own_rows(x)
            logits = predict_one_by_one(classifier, x) if deterministic else classifier.predict(x)
            if measure is None and classifier.kind is Outputs.REGRESSION:
                parts = parts._replace(measure=measures.logit)
            classifier.measure_of(parts.measure)  # refuses one that this kind of output lacks
            classes = inputs.as_targets(targets, classifier, logits)
            classifier.check_measure(parts.measure, logits, classes)
            score = MaskedScore(
                classifier,
                parts.infiller,
                x.clone(memory_format=torch.channels_last),
                classes,
                seeds_of(x, seed),
                parts.measure,
                slots=resolve_cells(cells, x, classifier.framing, photos.sizes),
            )
            method = parts.method.fitted(score)
            if passes is not None:
                method = method.with_budget(passes, (x.shape[-2], x.shape[-1]))
        return cls(method, score, seed, repeats, deterministic, logits=logits)

    def mode(self) -> AbstractContextManager[None]:
        """Return the context in which this study computes, for further numbers from its score."""
        return own_modes(self.score.classifier.device, deterministic=self.deterministic)

    def steps(self) -> Iterator[Progress]:
        """Run the method step by step; afterwards `explanation` is available."""
        steps = self._steps()
        while True:
            with self.mode():  # not while the caller handles a step
                progress = next(steps, None)
            if progress is None:
                return
            yield progress

    def _steps(self) -> Iterator[Progress]:
        passes = self.score.classifier.passes
        import_libraries(self.method, self.score.infiller)  # before the clock starts
        forwards, backwards, start = passes.forwards, passes.backwards, time.perf_counter()
        maps = []
        for run in range(self.repeats):
            last = None
            score = self._reseeded(run)
            one_by_one = run_one_by_one(self.method, score)
            for last in one_by_one if self.deterministic else self.method.run(score):
                done, total = run * last.total + last.done, self.repeats * last.total
                yield last._replace(done=done, total=total)
            if last is None:
                raise InputError(f"{type(self.method).__name__} yielded no result")
            saliency = last.saliency().detach()
            check_maps(self.method, score, saliency, varied=not self.accepts_constant)
            maps.append(saliency)
        cost = {
            "forwards": passes.forwards - forwards,
            "backwards": passes.backwards - backwards,
            "seconds": round(time.perf_counter() - start, 3),
        }
        self.maps = torch.stack(maps)
        saliency = self.maps.mean(0) if self.repeats > 1 else maps[0]
        self.causes = [[] for _ in saliency]
        if self.logits is not None:
            self.causes = causes_of(self.method, self.score, self.logits, saliency)
        self.explanation = Explanation(
            saliency,
            self.score.targets,
            self.score.images,
            self._provenance(cost),
            self.maps.std(0) if self.repeats > 1 else None,
        )

    def finish(self) -> Explanation:
        """Run the method to its end and return the explanation."""
        for _ in self.steps():
            pass
        return self.explanation

    def note(self, row: int, causes: Sequence[str], further: Sequence[str] = ()) -> str:
        """Return a line that an image's map shows no evidence and what to try; "" without causes.

        Args:
            row: Number of the image.
            causes: Why it shows none, in words.
            further: Suggestions beside a measure, a class and a budget.
        """
        height, width = self.score.images.shape[-2:]
        larger = self.method
        with suppress(InputError):  # its settings allow no budget
            larger = self.method.with_budget(inputs.BUDGETS["best"], (height, width))
        note = note_of(self.method, self.score, row, causes, larger, further)
        return self.words(note) if note else ""

    def _variation(self) -> dict[str, Any]:
        """Return how similar the maps of several seeds are, for the provenance."""
        if self.repeats == 1:
            return {}
        pairs = [stability(maps) for maps in self.maps.unbind(1)]
        return {"variation": [{"rank_correlation": round(value, 6)} for value in pairs]}

    def _reseeded(self, run: int) -> MaskedScore:
        """Return the score with the noise of the next seed, at the precision of the method."""
        score, precision = self.score, self.score.classifier.averaging_precision
        if run:
            score = replace(score, seeds=seeds_of(score.images, self.seed + run))
        if self.method.traits.allows_half_precision:
            score = replace(score, classifier=replace(score.classifier, precision=precision))
        return score

    def check_provenance(self) -> None:
        """Raise `InputError` if the manifest of a result could not hold the settings."""
        json_bytes(self._settings(), "the settings of the classifier and the parts")

    def _provenance(self, cost: dict[str, float]) -> dict[str, Any]:
        return {
            **self._settings(),
            "measure_weights": self.method.measure_weights(self.score),
            "note": [self.note(i, causes) for i, causes in enumerate(self.causes)],
            **self._variation(),
            "cost": cost,
            "versions": {
                "unsee": version("unsee"),
                "torch": torch.__version__,
                "python": platform.python_version(),
                "device": str(self.score.classifier.device),
                **packages_of(self.method, self.score.infiller),
            },
        }

    def _settings(self) -> dict[str, Any]:
        score, classifier = self.score, self.score.classifier
        return {
            "method": settings_of(self.method),
            "infiller": settings_of(score.infiller),
            **provenance_of(score.slots),
            "measure": measures.name_of(score.measure),
            "classifier": classifier.settings(),
            "target": [
                {"index": index, "name": classifier.label(index)}
                for index in score.targets.tolist()
            ],
            "seed": self.seed,
            "repeats": self.repeats,
            "deterministic": self.deterministic,
            "seeds": list(score.seeds),
        }
