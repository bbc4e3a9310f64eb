"""How good in-fillers are: do they bring back what is missing, and hide what should go?"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from unsee.classifiers.classifier import Classifier
from unsee.classifiers.passes import synchronise
from unsee.datasets.base import Sample
from unsee.errors import InputError
from unsee.infillers.base import ImageBatch, Infiller, RowIndex
from unsee.networks.perceptual import Perceptual
from unsee.noise import ImageRandom, seeds_of
from unsee.types import Images

Task = Literal["cells", "object", "background"]
TASKS: dict[Task, str] = {
    "cells": "random cells are missing: is what they showed brought back? (FIDO, Figure 12)",
    "object": "the labelled object is missing: is it gone? (G-methods, Table 1)",
    "background": "all but the object is missing: the preserve case (G-methods, Figure 2)",
}


class Problem(NamedTuple):
    """A photo and a hole in it."""

    sample: str
    task: Task
    image: Images
    keep: Float[Tensor, "1 1 h w"]
    target: int


@dataclass(frozen=True, eq=False)
class Judges:
    """Who looks at what was painted."""

    classifier: Classifier
    """Its probability of the right class."""
    second: Classifier
    """Whether it still recognises the class; one that no method was run on."""
    perceptual: Perceptual | None = None
    """Shift-tolerant LPIPS, where its weights are at hand."""


def problems(
    samples: Iterator[Sample], classifier: Classifier, tasks: tuple[Task, ...], *, grid: int = 14,
    share: float = 0.5, seed: int = 0,
) -> Iterator[Problem | tuple[str, str]]:  # fmt: skip
    """The photos with their holes; for a bad photo, its id and what is wrong with it."""
    for sample in samples:
        try:
            photo = sample.photo(classifier.channels)
            image = classifier.framing.show(photo).to(classifier.device)
            if sample.target is None:
                raise InputError("no class is known")
            for task in tasks:
                keep = _hole(sample, task, photo, image, classifier, grid, share, seed)
                if keep is not None:
                    yield Problem(sample.id, task, image, keep, sample.target)
        except InputError as error:
            text = str(error)
            yield sample.id, text if sample.id in text else f"{sample.id}: {text}"


def _hole(
    sample: Sample, task: Task, photo: Tensor, image: Images, classifier: Classifier, grid: int,
    share: float, seed: int,
) -> Tensor | None:  # fmt: skip
    """What stays visible; None where the object is not known or fills all or nothing."""
    h, w = image.shape[-2:]
    if task == "cells":
        random = ImageRandom(seeds_of(image, seed), image.device)
        coins = (random.uniform(0, 1, grid, grid, stream="holes") >= share).to(image)
        return F.interpolate(coins, (h, w), mode="nearest")
    inside = torch.zeros(h, w, device=image.device)
    if sample.outline is not None:
        inside = classifier.framing.mask(sample.object_mask()).to(inside)
    else:
        boxes = classifier.framing.boxes(sample.boxes_in(photo), *photo.shape[-2:])
        for x1, y1, x2, y2 in boxes.round().int().tolist():
            inside[y1:y2, x1:x2] = 1
    if not 0.01 < inside.mean().item() < 0.95:
        return None
    keep = 1 - inside if task == "object" else inside
    return keep[None, None]


@torch.no_grad()
def paint(infiller: Infiller, problem: Problem, classifier: Classifier) -> tuple[Images, float]:
    """The in-filled picture, and the seconds that it took."""
    neutral = problem.image.new_tensor(classifier.data_mean)
    random = ImageRandom(seeds_of(problem.image, 0), problem.image.device)
    none = torch.zeros(1, dtype=torch.long, device=problem.image.device)
    start = time.perf_counter()
    fill = infiller.bind(ImageBatch(problem.image, neutral, random))
    painted = fill(problem.keep, RowIndex(none, none, 0))
    painted = torch.where(problem.keep > 0, problem.image, painted).clamp(0, 1)
    synchronise(painted.device)
    return painted, time.perf_counter() - start


@torch.no_grad()
def judged(problem: Problem, painted: Images, judges: Judges) -> dict[str, Any]:
    """One row of numbers.

    probability: of the right class; whole: the same of the untouched photo; recognised: whether
    the second classifier's first guess is the class; l1: mean absolute difference within the hole;
    similarity: MS-SSIM with the photo; distance: ST-LPIPS to it.
    """
    from torchmetrics.functional.image import (
        multiscale_structural_similarity_index_measure as similarity,
    )

    both = judges.classifier.predict(torch.cat([problem.image, painted])).softmax(1)
    if problem.target >= both.shape[1]:
        raise InputError(
            f"{problem.sample}: class {problem.target} is not in 0..{both.shape[1] - 1}"
        )
    second = judges.second.framing.size
    seen = (
        painted
        if second == painted.shape[-2:]
        else F.interpolate(painted, second, mode="bicubic", antialias=True).clamp(0, 1)
    )
    hole = 1 - problem.keep
    off = ((painted - problem.image).abs() * hole).sum() / (hole.sum() * painted.shape[1])
    row: dict[str, Any] = {
        "whole": both[0, problem.target].item(),
        "probability": both[1, problem.target].item(),
        "recognised": float(judges.second.predict(seen).argmax().item() == problem.target),
        "l1": off.item(),
        "missing": hole.mean().item(),
    }
    if min(painted.shape[-2:]) > 160:  # five scales of eleven pixels
        row["similarity"] = similarity(painted, problem.image, data_range=1.0).item()
    if judges.perceptual is not None:
        row["distance"] = judges.perceptual.distance(painted, problem.image).item()
        row["trunk"] = judges.perceptual.trunk
    return row
