"""The entry point."""

import platform
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import Any

import torch
from torch import Tensor, nn

from unsee.classifiers import loading, measures
from unsee.classifiers.classifier import Classifier
from unsee.classifiers.measures import Measure
from unsee.errors import InputError, unknown
from unsee.explanation import Explanation
from unsee.infillers.base import Infiller
from unsee.inputs import Classes, Picture, as_images, as_targets, to_device
from unsee.libraries import import_libraries
from unsee.masking.score import MaskedScore
from unsee.methods.base import Method, Progress
from unsee.noise import seeds_of
from unsee.registry import create, name_of, settings_of
from unsee.saliency import check_map

DEFAULT_METHOD = "tide"
"""What explains if nothing else is asked for."""

BUDGETS = {"fast": 300, "balanced": 860, "best": 3200}
"""Passes through the network for each photo."""

Budget = int | str
"""A number of passes, or one of the names above."""


def explain(
    model: Classifier | nn.Module | str,
    images: Tensor | Picture | Sequence[Picture],
    method: Method | str = DEFAULT_METHOD,
    *,
    infiller: Infiller | str | None = None,
    targets: Classes | None = None,
    measure: Measure | str | None = None,
    seed: int = 0,
    repeats: int = 1,
    budget: Budget | None = None,
) -> Explanation:
    """Find the pixels that a classifier needs, by default for the class that it predicts.

    `images` is a tensor (b, c, h, w) in [0, 1] at the size that the model wants, or photos of any
    size: paths, PIL images, arrays. `method`, `infiller` and `measure` are names or objects; what
    is not given is what the method was published with. `targets` is a class for all or one for each
    image, by number or by name. The same image, settings and `seed` give the same map, in whatever
    batch (on the same kind of device). With `repeats` the map is the mean of those of `seed`,
    `seed` + 1, ..., and `deviation` their standard deviation: how sure the method is of it.
    `budget`, "fast", "balanced", "best" or a number of passes through the network for each photo,
    replaces the method's steps, samples or stride by what it pays for.

    Raises `InputError`, a ValueError, for everything that cannot be explained.
    """
    study = Study.of(
        model, images, method, infiller=infiller, targets=targets, measure=measure, seed=seed,
        repeats=repeats, budget=budget,
    )  # fmt: skip
    return study.finish()


@dataclass(eq=False)
class Study:
    """A method bound to its question; run by walking through `steps`."""

    method: Method
    score: MaskedScore
    seed: int
    repeats: int = 1
    explanation: Explanation = field(init=False)
    """There after the last step."""

    @classmethod
    def of(
        cls,
        model: Classifier | nn.Module | str,
        images: Tensor | Picture | Sequence[Picture],
        method: Method | str,
        *,
        infiller: Infiller | str | None = None,
        targets: Classes | None = None,
        measure: Measure | str | None = None,
        seed: int = 0,
        repeats: int = 1,
        budget: Budget | None = None,
    ) -> "Study":
        """Check everything and bind it; arguments as for `explain`."""
        if repeats < 1:
            raise InputError(f"expected at least one run, got repeats = {repeats}")
        classifier = loading.load(model)
        chosen: Method = create("methods", method) if isinstance(method, str) else method
        filler = default_infiller(chosen) if infiller is None else infiller
        passes = None if budget is None else passes_of(budget)
        x = to_device(as_images(images, classifier).detach().float(), classifier.device)
        if passes is not None:
            chosen = chosen.with_budget(passes, (x.shape[-2], x.shape[-1]))
        logits = classifier.predict(x)
        measure = chosen.traits.measure if measure is None else measure
        measure = measures.named(measure) if isinstance(measure, str) else measure
        chosen_targets = as_targets(targets, classifier, logits)
        if hasattr(measure, "check"):
            measure.check(logits, chosen_targets)
        score = MaskedScore(
            classifier,
            infiller_for(chosen, filler) if isinstance(filler, str) else filler,
            x.contiguous(memory_format=torch.channels_last),
            chosen_targets,
            seeds_of(x, seed),
            measure,
        )
        return cls(chosen, score, seed, repeats)

    def steps(self) -> Iterator[Progress]:
        """Run the method round by round; afterwards `explanation` is there."""
        passes = self.score.classifier.passes
        import_libraries(self.method, self.score.infiller)  # before the clock starts
        forwards, backwards, start = passes.forwards, passes.backwards, time.perf_counter()
        found = []
        for run in range(self.repeats):
            last = None
            for last in self.method.run(self._reseeded(run)):
                done, total = run * last.total + last.done, self.repeats * last.total
                yield last._replace(done=done, total=total)
            if last is None:
                raise InputError(f"{type(self.method).__name__} made no step at all")
            saliency = last.saliency().detach()
            check_map(saliency, self.score.images)
            found.append(saliency)
        cost = {
            "forwards": passes.forwards - forwards,
            "backwards": passes.backwards - backwards,
            "seconds": round(time.perf_counter() - start, 3),
        }
        runs = torch.stack(found)
        self.explanation = Explanation(
            runs.mean(0) if self.repeats > 1 else found[0],
            self.score.targets,
            self.score.images,
            self._provenance(cost),
            runs.std(0) if self.repeats > 1 else None,
        )

    def finish(self) -> Explanation:
        """Run the method to its end."""
        for _ in self.steps():
            pass
        return self.explanation

    def _reseeded(self, run: int) -> MaskedScore:
        """The same question with the noise of the next seed, as precise as the method needs it."""
        score, rough = self.score, self.score.classifier.sampling_precision
        if run:
            score = replace(score, seeds=seeds_of(score.images, self.seed + run))
        if rough and self.method.traits.allows_half_precision:
            score = replace(score, classifier=replace(score.classifier, precision=rough))
        return score

    def _provenance(self, cost: dict[str, float]) -> dict[str, Any]:
        score, classifier = self.score, self.score.classifier
        return {
            "method": settings_of(self.method),
            "infiller": settings_of(score.infiller),
            "measure": getattr(score.measure, "__name__", repr(score.measure)),
            "classifier": classifier.settings(),
            "target": [
                {"index": index, "name": classifier.label(index)}
                for index in score.targets.tolist()
            ],
            "seed": self.seed,
            "repeats": self.repeats,
            "seeds": list(score.seeds),
            "cost": cost,
            "versions": {
                "unsee": version("unsee"),
                "torch": torch.__version__,
                "python": platform.python_version(),
                "device": str(classifier.device),
            },
        }


def passes_of(budget: Budget) -> int:
    """How many passes a budget is: a name or a number."""
    if isinstance(budget, str) and not budget.isdigit():
        if budget not in BUDGETS:
            raise unknown("budget", budget, [*BUDGETS, "or a number of passes"])
        return BUDGETS[budget]
    if int(budget) < 1:
        raise InputError(f"expected a budget of at least one pass, got {budget}")
    return int(budget)


def default_infiller(method: Method) -> Infiller:
    """The in-filler that a method was published with."""
    name, settings = method.traits.infiller
    found: Infiller = create("infillers", name, **settings)
    return found


def infiller_for(method: Method, name: str) -> Infiller:
    """The in-filler of this name, with a method's published settings where it is the method's."""
    usual = default_infiller(method)
    found: Infiller = usual if name_of(usual) == name else create("infillers", name)
    return found
