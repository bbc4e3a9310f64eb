"""Rate in-fillers by how well they restore missing pixels and remove objects."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from unsee.classifiers.classifier import Classifier
from unsee.classifiers.measures import first_answer
from unsee.classifiers.passes import synchronise
from unsee.datasets._classes import numbered as numbered_for
from unsee.datasets.base import Sample, Samples
from unsee.errors import InputError
from unsee.infillers.base import ImageBatch, Infiller, RowIndex
from unsee.networks.perceptual import Perceptual
from unsee.noise import ImageRandom, seeds_of
from unsee.process.libraries import import_libraries
from unsee.types import Images

Task = Literal["cells", "object", "background", "everything"]
TASKS: dict[Task, str] = {
    "cells": "random cells are missing; is their content restored? (FIDO, Figure 12)",
    "object": "the labelled object is missing; is it gone? (G-methods, Table 1)",
    "background": "everything but the object is missing (G-methods, Figure 2)",
    "everything": "the whole photo is missing; what remains? (G-methods, section 4.2)",
}
"""Missing region of each task, and the figure or table of a paper with the same task."""

MIN_OBJECT_AREA, MAX_OBJECT_AREA = 0.01, 0.95
"""Shares of the picture between which an object must lie to be removed."""
MIN_SSIM_SIDE = 161
"""Shorter side in pixels from which MS-SSIM, with five scales of eleven pixels, is defined."""


class Problem(NamedTuple):
    """A photo with a hole: pixels where `keep` is 0 are missing."""

    sample: str
    """Id of the photo."""
    task: Task
    image: Images
    keep: Float[Tensor, "1 1 h w"]
    target: int
    """The labelled class."""


@dataclass(frozen=True, eq=False)
class QualityModels:
    """Models that rate in-filled pictures."""

    classifier: Classifier
    """Classifier whose probability of the labelled class is measured."""
    recognition_classifier: Classifier
    """Another classifier, which determines whether the class is still recognised."""
    perceptual: Perceptual | None = None
    """Shift-tolerant LPIPS, if its weights are available."""


def numbered(
    samples: Samples, classifier: Classifier, recognition: Classifier, data: str
) -> Samples:
    """Return samples whose targets are the numbers of both classifiers' classes.

    Raises:
        InputError: One of them has other classes, or they number the same ones differently.
    """
    first, second = (numbered_for(samples, one, data) for one in (classifier, recognition))
    if [sample.target for sample in first] != [sample.target for sample in second]:
        raise InputError(
            f"{data}: the classifier and the recognition classifier number its classes differently"
        )
    return first


def problems(
    samples: Iterator[Sample], classifier: Classifier, tasks: tuple[Task, ...], *, grid: int = 14,
    share: float = 0.5, seed: int = 0,
) -> Iterator[Problem | tuple[str, str]]:  # fmt: skip
    """Yield the photos with their holes; for a photo that fails, its id and an error message.

    Args:
        samples: Labelled photos.
        classifier: Classifier that defines the size of the pictures.
        tasks: Kinds of holes.
        grid: Cells per side for the task `cells`.
        share: Probability of a cell to be missing.
        seed: Seed of the cells; the same for all in-fillers.
    """
    for sample in samples:
        try:
            photo = sample.photo(classifier.channels)
            image = classifier.framing.show(photo).to(classifier.device)
            if sample.target is None:
                raise InputError("the photo has no labelled class")
            for task in tasks:
                keep = _keep(sample, task, photo, image, classifier, grid, share, seed)
                if keep is not None:
                    yield Problem(sample.id, task, image, keep, sample.target)
        except InputError as error:
            text = str(error)
            yield sample.id, text if sample.id in text else f"{sample.id}: {text}"


def _keep(
    sample: Sample, task: Task, photo: Tensor, image: Images, classifier: Classifier, grid: int,
    share: float, seed: int,
) -> Tensor | None:  # fmt: skip
    """Return the mask of visible pixels; None if no object of a suitable size is labelled."""
    h, w = image.shape[-2:]
    if task == "everything":
        return image.new_zeros(1, 1, h, w)
    if task == "cells":
        random = ImageRandom(seeds_of(image, seed), image.device)
        visible = (random.uniform(0, 1, grid, grid, stream="holes") >= share).to(image)
        return F.interpolate(visible, (h, w), mode="nearest")
    inside = torch.zeros(h, w, device=image.device)
    outline = sample.object_mask()
    framing = classifier.framing.resolved(*photo.shape[-2:])
    if outline is not None:
        inside = framing.mask(outline).to(inside)
    else:
        boxes = framing.boxes(sample.boxes_in(photo), *photo.shape[-2:])
        for x1, y1, x2, y2 in boxes.round().int().tolist():
            inside[y1:y2, x1:x2] = 1
    if not MIN_OBJECT_AREA < inside.mean().item() < MAX_OBJECT_AREA:
        return None
    keep = 1 - inside if task == "object" else inside
    return keep[None, None]


@torch.no_grad()
def infill(infiller: Infiller, problem: Problem, classifier: Classifier) -> tuple[Images, float]:
    """Return the in-filled picture and the seconds that it took, without imports."""
    neutral = problem.image.new_tensor(classifier.data_mean)
    random = ImageRandom(seeds_of(problem.image, 0), problem.image.device)
    first = torch.zeros(1, dtype=torch.long, device=problem.image.device)
    import_libraries(infiller)
    start = time.perf_counter()
    fill = infiller.bind(ImageBatch(problem.image, neutral, random))
    filled = fill(problem.keep, RowIndex(first, first, 0))
    filled = torch.where(problem.keep > 0, problem.image, filled).clamp(0, 1)
    synchronise(filled.device)
    return filled, time.perf_counter() - start


@torch.no_grad()
def rate(problem: Problem, filled: Images, models: QualityModels) -> dict[str, Any]:
    """Return the measurements of an in-filled picture.

    Returns:
        probability: Probability of the labelled class.
        whole: The same for the original photo.
        recognised: 1 if the recognition classifier predicts the class, else 0.
        l1: Mean absolute difference from the photo within the hole.
        missing: Share of the pixels that are missing.
        similarity: MS-SSIM with the photo; only for pictures that are large enough.
        distance: ST-LPIPS to the photo, and `trunk`, its network; only if its weights are given.

    Raises:
        InputError: The classifier does not have the labelled class.
    """
    from torchmetrics.functional.image import (
        multiscale_structural_similarity_index_measure as similarity,
    )

    pair = torch.cat([problem.image, filled])
    probabilities = models.classifier.probabilities(pair)
    if problem.target >= probabilities.shape[1]:
        raise InputError(
            f"{problem.sample}: expected a class in 0..{probabilities.shape[1] - 1}, got class "
            f"{problem.target}"
        )
    hole = 1 - problem.keep
    l1 = ((filled - problem.image).abs() * hole).sum() / (hole.sum() * filled.shape[1])
    row: dict[str, Any] = {
        "whole": probabilities[0, problem.target].item(),
        "probability": probabilities[1, problem.target].item(),
        "recognised": _recognised(problem, filled, models.recognition_classifier),
        "l1": l1.item(),
        "missing": hole.mean().item(),
    }
    if min(filled.shape[-2:]) >= MIN_SSIM_SIDE:
        row["similarity"] = similarity(filled, problem.image, data_range=1.0).item()
    if models.perceptual is not None:
        row["distance"] = models.perceptual.distance(filled, problem.image).item()
        row["trunk"] = models.perceptual.trunk
    return row


def _recognised(problem: Problem, filled: Images, classifier: Classifier) -> float:
    """Return 1 if a classifier, at its own input size, predicts the labelled class."""
    size = classifier.framing.size
    if size != filled.shape[-2:]:
        filled = F.interpolate(filled, size, mode="bicubic", antialias=True).clamp(0, 1)
    logits = classifier.predict(filled)
    target = torch.tensor([problem.target], device=logits.device)
    return classifier.kind.measure(first_answer)(logits, target).item()
