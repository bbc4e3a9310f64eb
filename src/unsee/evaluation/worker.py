"""One unit of a run: a combination on some photos, from pixels to rows."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from unsee.classifiers import loading
from unsee.classifiers.classifier import Classifier
from unsee.datasets.base import Sample
from unsee.errors import InputError
from unsee.evaluation.plan import Combination, Plan, metric_of
from unsee.evaluation.store import Maps, Row
from unsee.images.framing import Fit
from unsee.metrics.base import Truth
from unsee.registry import resolve
from unsee.study import Study
from unsee.types import Images


@dataclass(frozen=True, eq=False)
class Framed:
    """A photo as the classifier takes it."""

    id: str
    image: Images
    target: int | None
    """None: the likeliest class."""
    truth: Truth


@lru_cache(maxsize=8)
def classifier_of(
    name: str, chunk: int, device: str | None, precision: str, fit: Fit | None = None
) -> Classifier:
    """Loaded once in each process."""
    found = loading.load(name, device=device, precision=getattr(torch, precision), fit=fit)
    return replace(found, chunk=chunk)


def rows_of(
    plan: Plan, combination: Combination, samples: Sequence[Sample], classifier: Classifier
) -> tuple[list[Row], Maps, float]:
    """A row for each photo, in order, the maps where they are wanted, and the seconds.

    A photo that cannot be read, or explained, is a row with an error.
    """
    start = time.perf_counter()
    rows: dict[str, Row] = {}
    maps: Maps = {}
    ready: list[Framed] = []
    for sample in samples:
        try:
            ready.append(framed(sample, plan, classifier))
        except InputError as error:
            rows[sample.id] = _row(plan, combination, sample.id, error=str(error))
    for first in range(0, len(ready), plan.batch):
        together = ready[first : first + plan.batch]
        try:
            _explain(plan, combination, together, classifier, rows, maps)
        except InputError:  # one of them is to blame: each alone
            for one in together:
                try:
                    _explain(plan, combination, [one], classifier, rows, maps)
                except InputError as error:
                    rows[one.id] = _row(plan, combination, one.id, error=str(error))
    ordered = [rows[sample.id] for sample in samples]
    return ordered, maps, time.perf_counter() - start


def framed(sample: Sample, plan: Plan, classifier: Classifier) -> Framed:
    """Read a photo; its boxes and outline follow it into the classifier's frame."""
    photo = sample.photo(classifier.channels)
    image = classifier.framing.show(photo)
    if sample.target is None and plan.target == "label":
        raise InputError(f"{sample.id}: no class is labelled; take the run's target top1")
    if sample.target is not None and sample.target < 0 and plan.target == "label":
        raise InputError(f"{sample.id}: expected a class from 0 on, got {sample.target}")
    boxes = classifier.framing.boxes(sample.boxes_in(photo), *photo.shape[-2:])
    seen = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    outline = None if sample.outline is None else classifier.framing.mask(sample.inside())
    target = None if plan.target == "top1" else sample.target
    return Framed(sample.id, image, target, Truth(boxes[seen], outline))


def _explain(
    plan: Plan,
    combination: Combination,
    together: list[Framed],
    classifier: Classifier,
    rows: dict[str, Row],
    maps: Maps,
) -> None:
    """Explain and rate some photos at once."""
    images = torch.cat([one.image for one in together])
    targets: Any = ["top1" if one.target is None else one.target for one in together]
    study = Study.of(
        classifier, images, combination.method, infiller=combination.infiller, targets=targets,
        measure=plan.measure, seed=plan.seed, budget=plan.budget,
    )  # fmt: skip
    explanation, score = study.finish(), study.score
    judged = score
    if plan.metric_infiller is not None:
        judged = replace(score, infiller=resolve("infillers", plan.metric_infiller))
    truths = [one.truth for one in together]
    reference_classifiers = _reference_classifiers(plan.reference_classifiers, classifier)
    numbers = {}
    for name in plan.columns:
        metric = metric_of(name)
        asked = score if metric.needs_method else judged  # the method's own question again
        rated = metric.rate(
            asked, explanation.saliency, truths, study.method, reference_classifiers
        )
        numbers[name] = rated.tolist()
    p = classifier.predict(score.images).softmax(1)
    cost = explanation.provenance["cost"]
    for i, one in enumerate(together):
        target = int(score.targets[i])
        rows[one.id] = _row(
            plan, combination, one.id,
            target=target,
            predicted=int(p[i].argmax()),
            probability=p[i, target].item(),
            forwards=cost["forwards"] / len(together),
            backwards=cost["backwards"] / len(together),
            **{name: values[i] for name, values in numbers.items()},
        )  # fmt: skip
        if plan.save_maps:
            maps[one.id] = explanation.saliency[i].cpu().numpy().astype(np.float16)


def _reference_classifiers(names: tuple[str, ...], beside: Classifier) -> list[Classifier]:
    """Loaded once in each process, where the explained one is."""
    device, precision = str(beside.device), str(beside.precision).removeprefix("torch.")
    return [classifier_of(name, beside.chunk, device, precision) for name in names]


def _row(plan: Plan, combination: Combination, photo: str, **values: Any) -> Row:
    """Every row has the same columns."""
    empty = dict.fromkeys(
        ("target", "predicted", "probability", "forwards", "backwards", *plan.columns, "error")
    )
    return {"photo": photo, **combination._asdict(), **empty, **values}
