"""Compute one unit of a run: explain the photos of a shard and measure the maps."""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch

from unsee.classifiers import determinism
from unsee.classifiers.classifier import Classifier
from unsee.classifiers.outputs import Outputs
from unsee.datasets.base import Sample
from unsee.errors import InputError, as_message
from unsee.evaluation.columns import metric_of
from unsee.evaluation.contents import digest_of as digest_of_photo
from unsee.evaluation.loaded import load_classifier
from unsee.evaluation.plan import Combination, Plan
from unsee.evaluation.rows import Row
from unsee.evaluation.store import Maps
from unsee.masking.slots import resolve_cells
from unsee.metrics._sharing import shared
from unsee.metrics.base import Truth
from unsee.parts import resolve_parts
from unsee.process.libraries import import_libraries
from unsee.registry import resolve
from unsee.study import Study
from unsee.types import Images, Size


class Computed(NamedTuple):
    """What was computed for the photos of a unit."""

    rows: list[Row]
    """A row for each photo in order."""
    maps: Maps
    """Maps by photo, if the plan saves them."""
    seconds: float = 0.0
    """Seconds spent, without imports."""


@dataclass(frozen=True, eq=False)
class FramedPhoto:
    """A photo at the classifier's input size, with its annotations."""

    id: str
    image: Images
    content: str
    """Hash of all pixels of the photo and of its outline."""
    size: Size
    """Height and width of the whole photo."""
    target: int | None
    """Class to explain; `None` is the predicted class."""
    truth: Truth


def evaluate(
    plan: Plan, combination: Combination, samples: Sequence[Sample], classifier: Classifier
) -> Computed:
    """Explain photos and measure their maps.

    A photo that cannot be read or explained has a row with an error.
    """
    with suppress(InputError):  # raised again for each photo
        method, infiller, _ = resolve_parts(combination.method, combination.infiller)
        import_libraries(method, infiller, *map(metric_of, plan.columns))
    start = time.perf_counter()
    with determinism.mode(classifier.device, on=plan.deterministic):
        computed = _evaluate(plan, combination, samples, classifier)
    return computed._replace(seconds=time.perf_counter() - start)


def _evaluate(
    plan: Plan, combination: Combination, samples: Sequence[Sample], classifier: Classifier
) -> Computed:
    rows: dict[str, Row] = {}
    maps: Maps = {}
    photos: list[FramedPhoto] = []
    size = 1 if plan.deterministic else plan.batch
    for sample in samples:
        try:
            photos.append(frame(sample, plan, classifier))
        except Exception as error:
            rows[sample.id] = _failed(plan, combination, sample.id, error)
    for first in range(0, len(photos), size):
        batch = photos[first : first + size]
        try:
            _explain(plan, combination, batch, classifier, rows, maps)
        except Exception:  # raised for one photo of the batch: explain each alone
            for photo in batch:
                try:
                    _explain(plan, combination, [photo], classifier, rows, maps)
                except Exception as error:
                    rows[photo.id] = _failed(plan, combination, photo.id, error)
    return Computed([rows[sample.id] for sample in samples], maps)


def frame(sample: Sample, plan: Plan, classifier: Classifier) -> FramedPhoto:
    """Read a photo; transform it, its boxes and its outline to the classifier's input size.

    Raises `InputError` for a photo that cannot be read, or that has no class where the plan
    explains the labelled class.
    """
    photo = sample.photo(classifier.channels)
    framing = classifier.framing.resolved(*photo.shape[-2:])
    image = framing.show(photo)
    if sample.target is None and plan.target == "label":
        raise InputError(f"{sample.id}: the photo has no labelled class; use the target top1")
    if sample.target is not None and sample.target < 0 and plan.target == "label":
        raise InputError(f"{sample.id}: expected a class index >= 0, got {sample.target}")
    boxes = framing.boxes(sample.boxes_in(photo), *photo.shape[-2:])
    visible = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    whole = sample.object_mask()
    outline = None if whole is None else framing.mask(whole)
    if outline is not None and not outline.any():  # too thin for the input's size
        outline = None
    target = None if plan.target == "top1" else sample.target
    truth = Truth(boxes[visible], outline)
    content, size = digest_of_photo(photo, whole), (photo.shape[-2], photo.shape[-1])
    return FramedPhoto(sample.id, image, content, size, target, truth)


def _explain(
    plan: Plan,
    combination: Combination,
    batch: list[FramedPhoto],
    classifier: Classifier,
    rows: dict[str, Row],
    maps: Maps,
) -> None:
    """Explain a batch of photos, measure the maps, add a row and a map for each photo."""
    images = torch.cat([photo.image for photo in batch])
    targets: Any = ["top1" if photo.target is None else photo.target for photo in batch]
    slots = resolve_cells(plan.cells, images, classifier.framing, [photo.size for photo in batch])
    study = Study.of(
        classifier, images, combination.method,
        infiller=plan.spec("infillers", combination.infiller), targets=targets,
        measure=plan.measure, cells=slots, seed=plan.seed, budget=plan.budget,
        deterministic=plan.deterministic,
    )  # fmt: skip
    explanation, score = study.finish(), study.score
    measurements, failed = _measure(plan, study, [photo.truth for photo in batch])
    probabilities = None
    if classifier.kind is not Outputs.REGRESSION:
        probabilities = classifier.probabilities(score.images)
    cost = explanation.provenance["cost"]
    for i, photo in enumerate(batch):
        target = int(score.targets[i])
        rows[photo.id] = _row(
            plan, combination, photo.id,
            target=target,
            predicted=None if probabilities is None else int(probabilities[i].argmax()),
            probability=None if probabilities is None else probabilities[i, target].item(),
            forwards=cost["forwards"] / len(batch),
            backwards=cost["backwards"] / len(batch),
            **{name: values[i] for name, values in measurements.items()},
            content=photo.content,
            error=f"{photo.id}: {failed}" if failed else None,
        )  # fmt: skip
        if plan.save_maps:
            maps[photo.id] = explanation.saliency[i].cpu().numpy().astype(np.float32)


def _measure(plan: Plan, study: Study, truths: list[Truth]) -> tuple[dict[str, list[float]], str]:
    """Return the numbers of each metric, one for each photo, and what failed.

    Metrics use the in-filler of the plan if it has one. Metrics that run the method again use that
    of the method. A metric that fails for one photo has no number, and the others are kept; one
    that fails for several photos is tried again for each of them.
    """
    score, saliency = study.score, study.explanation.saliency
    metric_score = score
    if plan.metric_infiller is not None:
        infiller = resolve("infillers", plan.spec("infillers", plan.metric_infiller))
        metric_score = replace(score, infiller=infiller)
    specs = tuple(plan.spec("sources", name) for name in plan.reference_classifiers)
    references = _reference_classifiers(specs, score.classifier)
    measurements, failed = {}, []
    with shared():
        for name in plan.columns:
            metric = metric_of(name)
            try:
                values = metric.rate(
                    score if metric.needs_method else metric_score, saliency, truths, study.method,
                    references,
                )  # fmt: skip
            except Exception as error:
                if len(truths) > 1:
                    raise
                failed.append(f"{name}: {as_message(error)}")
            else:
                measurements[name] = values.tolist()
    return measurements, "; ".join(failed)


def _reference_classifiers(names: tuple[str, ...], explained: Classifier) -> list[Classifier]:
    """Load classifiers with the device, precision and chunk of the explained one."""
    device, precision = str(explained.device), str(explained.precision).removeprefix("torch.")
    return [load_classifier(name, explained.chunk, device, precision) for name in names]


def _failed(plan: Plan, combination: Combination, photo: str, error: Exception) -> Row:
    """Return the row of a photo that could not be explained; its error names the photo."""
    return _row(plan, combination, photo, error=str(as_message(error).prefixed(photo)))


def _row(plan: Plan, combination: Combination, photo: str, **values: Any) -> Row:
    """Return a row with all columns of the plan, `None` where there is no value."""
    empty = dict.fromkeys(
        (
            "target", "predicted", "probability", "forwards", "backwards", *plan.columns,
            "content", "error",
        )
    )  # fmt: skip
    return {"photo": photo, **combination._asdict(), **empty, **values}
