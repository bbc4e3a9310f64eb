"""A study: a method bound to a classifier and images, which runs step by step."""

import platform
import time
from collections.abc import Callable, Generator, Iterator, Sequence
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
from unsee.classifiers.passes import Passes
from unsee.errors import InputError, Note
from unsee.explanation import Explanation
from unsee.infillers.base import Infiller
from unsee.inputs import Budget, Classes, Picture, whole_number
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
from unsee.process.libraries import import_libraries
from unsee.registry import packages_of, settings_of
from unsee.registry.settings import SettingValue
from unsee.storage.folders import json_bytes
from unsee.types import Saliency

DEFAULT_METHOD = "tide"
"""Name of the method that explains by default."""


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
    ended_early: tuple[int, int] | None = field(init=False, default=None)
    """Finished and planned units of work where `stop` ended the run; None otherwise."""
    _run: "_Run" = field(init=False, repr=False)

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
            if isinstance(parts.measure, measures.Against):
                parts = parts._replace(measure=parts.measure.numbered(classifier.index))
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

    def steps(self) -> Generator[Progress]:
        """Run the method step by step; afterwards `explanation` is available."""
        steps = self._steps()
        while True:
            with self.mode():  # not while the caller handles a step
                progress = next(steps, None)
            if progress is None:
                return
            yield progress

    def _steps(self) -> Iterator[Progress]:
        import_libraries(self.method, self.score.infiller)  # before the clock starts
        self._run = _Run(self.score.classifier.passes)
        for run in range(self.repeats):
            self._run.last = None
            score = self._reseeded(run)
            one_by_one = run_one_by_one(self.method, score)
            for step in one_by_one if self.deterministic else self.method.run(score):
                done, total = run * step.total + step.done, self.repeats * step.total
                self._run.last = step._replace(done=done, total=total)
                yield self._run.last
            if self._run.last is None:
                raise InputError(f"{type(self.method).__name__} yielded no result")
            self._keep_map(self._run.last, varied=not self.accepts_constant)
        self._conclude()

    def stop(self) -> Explanation:
        """End a run early and return the explanation by the work that is finished.

        The map is that of the last round, or the mean over the seeds whose runs are finished.

        Raises:
            InputError: No round is finished.
        """
        if not hasattr(self, "_run") or (self._run.last is None and not self._run.maps):
            raise InputError("expected a run with a finished round; iterate over steps() first")
        if not hasattr(self, "explanation"):
            last = self._run.last
            with self.mode():
                if last is not None:
                    self.ended_early = last.done, last.total
                    if not self._run.maps:
                        self._keep_map(last, varied=False)
                self._conclude()
        return self.explanation

    def _keep_map(self, step: Progress, *, varied: bool) -> None:
        saliency = step.saliency().detach()
        check_maps(self.method, self.score, saliency, varied=varied)
        self._run.maps.append(saliency)

    def _conclude(self) -> None:
        """Make the explanation of the finished runs."""
        self.maps = torch.stack(self._run.maps)
        several = len(self.maps) > 1
        saliency = self.maps.mean(0) if several else self.maps[0]
        self.causes = [[] for _ in saliency]
        if self.logits is not None:
            self.causes = causes_of(self.method, self.score, self.logits, saliency)
        self.explanation = Explanation(
            saliency,
            self.score.targets,
            self.score.images,
            self._provenance(self._run.cost()),
            self.maps.std(0) if several else None,
        )
        self._run.last = None  # it refers to all that the method computed

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
        if len(self.maps) == 1:
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
            **({} if self.ended_early is None else {"ended_early": list(self.ended_early)}),
            "repeats": len(self.maps),
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


@dataclass(eq=False)
class _Run:
    """What a run has computed so far."""

    passes: Passes
    maps: list[Saliency] = field(default_factory=list)
    """Maps (b, h, w) of each seed whose run is finished."""
    last: Progress | None = None
    """Progress after the last round of the run of the current seed."""

    def __post_init__(self) -> None:
        self._forwards, self._backwards = self.passes.forwards, self.passes.backwards
        self._start = time.perf_counter()

    def cost(self) -> dict[str, float]:
        """Return the passes and seconds since the start."""
        return {
            "forwards": self.passes.forwards - self._forwards,
            "backwards": self.passes.backwards - self._backwards,
            "seconds": round(time.perf_counter() - self._start, 3),
        }
