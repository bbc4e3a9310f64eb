"""Pictures in which the evidence for one class is in-filled, so that another one is the answer."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from scipy import ndimage
from torch import Tensor

from unsee.classifiers.labels import name_of
from unsee.classifiers.measures import Against
from unsee.errors import InputError
from unsee.infillers.base import Infiller
from unsee.masking import masks
from unsee.masking.score import MaskedScore
from unsee.networks.patches import MEDIUM, copy_nearest_patches
from unsee.noise import seeds_of
from unsee.registry import resolve
from unsee.study import Study
from unsee.types import Images

LEVELS = 24
"""Shares of the pixels that are tried, from `FIRST_SHARE` on, in equal ratios."""
FIRST_SHARE = 0.005
"""Smallest share that is tried."""
MAX_REGIONS = 24
"""Separate regions that are tried one by one; smaller ones are tried together."""
PHOTO_CHANNELS = 3
"""Channels of pictures whose plausibility is measured."""
PATCHES = MEDIUM._replace(guess_weight=1.0)
"""Patches with which in-filled pixels are compared; all of their pixels have the same weight."""


@dataclass(frozen=True, eq=False)
class Sample:
    """One in-filling of the pixels that were removed."""

    picture: Images
    """The picture, (1, c, h, w)."""
    probabilities: Float[Tensor, " classes"]
    """Probabilities of all classes."""
    answer: int
    """Class with the highest probability."""
    misfit: float
    """How implausible the in-filled pixels are, see `misfit`."""
    seed: int
    """Seed of the in-filling."""


@dataclass(frozen=True, eq=False)
class Counterfactual:
    """Pixels whose in-filling makes another class the answer, and samples of it."""

    removed: Bool[Tensor, "h w"]
    """Pixels that are in-filled."""
    samples: tuple[Sample, ...]
    """Those that are answered as wanted first, the most plausible first."""
    target: int
    """Class whose evidence is removed."""
    wanted: int
    """Class that is to be the answer."""
    reached: bool
    """Whether it is the answer for a sample."""

    @property
    def share(self) -> float:
        """Share of the pixels that is in-filled."""
        return self.removed.float().mean().item()


def check_answer(study: Study) -> None:
    """Raise `InputError` if the contrast class is the answer already."""
    measure, logits = study.score.measure, study.logits
    assert isinstance(measure, Against)
    assert logits is not None  # of a study that was made by `Study.of`
    if int(logits[0].argmax()) == measure.index:
        name = name_of(study.score.classifier.labels, measure.index)
        raise InputError(f"the photo is answered as {name} already; name another contrast class")


@torch.no_grad()
def counterfactual(
    study: Study, infiller: Infiller | str | None = None, *, samples: int = 4, largest: float = 0.6
) -> Counterfactual:
    """Search for pixels whose in-filling makes the contrast class the answer.

    Pixels are removed in the order of the map of the target against the contrast class, in 24
    shares from half a percent to `largest`, until the classifier answers the contrast class for one
    of the in-fillings. Then separate regions that are not needed are left as they are: those beyond
    the 24 largest together, the others one by one, the smallest first.

    Args:
        study: A finished study of one image, whose measure is `Against`.
        infiller: In-filler of the pictures, by default that of the study.
        samples: Number of in-fillings, with different seeds; equal ones are returned once.
        largest: Largest share of the pixels.

    Raises:
        InputError: The study has several images or another measure, or is not finished; the
            classifier's classes do not exclude each other; the contrast class is the answer
            already; or a setting is out of range.
    """
    measure, score = study.score.measure, study.score
    if not isinstance(measure, Against) or len(score.images) != 1:
        raise InputError("expected the study of one image against a contrast class")
    if not hasattr(study, "explanation"):
        raise InputError("expected a finished study; call study.finish() first")
    if samples < 1 or not FIRST_SHARE < largest <= 1:
        raise InputError(
            f"expected samples >= 1 and a largest share in ({FIRST_SHARE}, 1], got {samples} and "
            f"{largest:g}"
        )
    score.classifier.kind.require_one_answer("a counterfactual")
    wanted, target = measure.index, int(score.targets[0])
    if infiller is not None:
        made: Infiller = resolve("infillers", infiller) if isinstance(infiller, str) else infiller
        score = replace(score, infiller=made)
    with study.mode():
        check_answer(study)
        shares = np.geomspace(FIRST_SHARE, largest, LEVELS).tolist()
        saliency = study.explanation.saliency
        holes = [masks.top_share(saliency, share)[0, 0, 0] > 0.5 for share in shares]
        seeded = _seeded(score, study.seed, samples, holes[-1])
        hole = _first_hole(list(seeded.values()), holes, wanted)
        in_fillings = [_sample(one, hole, seed) for seed, one in seeded.items()]
    in_fillings.sort(key=lambda sample: (sample.answer != wanted, _order(sample, wanted)))
    reached = in_fillings[0].answer == wanted
    return Counterfactual(hole, tuple(in_fillings), target, wanted, reached)


def _seeded(
    score: MaskedScore, seed: int, samples: int, hole: Bool[Tensor, "h w"]
) -> dict[int, MaskedScore]:
    """Return a score for each seed; those whose in-filling of a hole is equal once."""
    kept: dict[int, MaskedScore] = {}
    pictures: list[Images] = []
    for number in range(seed, seed + samples):
        one = replace(score, seeds=seeds_of(score.images, number))
        picture = _picture(one, hole)
        if not any(torch.equal(picture, other) for other in pictures):
            kept[number] = one
            pictures.append(picture)
    return kept


def _first_hole(
    scores: Sequence[MaskedScore], holes: Sequence[Bool[Tensor, "h w"]], wanted: int
) -> Bool[Tensor, "h w"]:
    """Return the first hole that is answered as wanted, without what the answer does not need.

    If there is none, the one with the highest probability.
    """
    best, highest = holes[-1], -1.0
    for hole in holes:
        probabilities = _probabilities(scores, hole)
        if (probabilities.argmax(1) == wanted).any():
            return _pruned(scores, hole, wanted)
        if (probability := probabilities[:, wanted].max().item()) > highest:
            best, highest = hole, probability
    return best


def _pruned(
    scores: Sequence[MaskedScore], hole: Bool[Tensor, "h w"], wanted: int
) -> Bool[Tensor, "h w"]:
    """Return the hole without the separate regions that the answer does not need."""
    regions, count = ndimage.label(hole.cpu().numpy())
    order = np.argsort(np.bincount(regions.ravel())[1:], kind="stable") + 1
    small, large = order[: max(0, count - MAX_REGIONS)], order[max(0, count - MAX_REGIONS) :]
    for group in [small, *large[:, None]]:
        region = torch.from_numpy(np.isin(regions, group)).to(hole.device)
        without = hole & ~region
        if region.any() and without.any():
            answers = _probabilities(scores, without).argmax(1)
            hole = without if (answers == wanted).any() else hole
    return hole


def _picture(score: MaskedScore, hole: Bool[Tensor, "h w"]) -> Images:
    return score.pictures((~hole).to(score.images)[None, None, None])


def _probabilities(
    scores: Sequence[MaskedScore], hole: Bool[Tensor, "h w"]
) -> Float[Tensor, "n classes"]:
    """Return the probabilities of all classes for each in-filling of a hole."""
    pictures = torch.cat([_picture(score, hole) for score in scores])
    return scores[0].classifier.probabilities(pictures)


def _sample(score: MaskedScore, hole: Bool[Tensor, "h w"], seed: int) -> Sample:
    picture = _picture(score, hole)
    probabilities = score.classifier.probabilities(picture)[0].cpu()
    answer = int(probabilities.argmax())
    return Sample(picture, probabilities, answer, misfit(picture, hole), seed)


def misfit(picture: Images, hole: Bool[Tensor, "h w"]) -> float:
    """Return how far in-filled pixels are from patches of visible ones.

    Args:
        picture: A picture (1, c, h, w) in [0, 1].
        hole: Its in-filled pixels.

    Returns:
        Root mean squared difference of the patches of 12 pixels that touch the hole from the
        nearest completely visible patch, by means of 2 x 2 pixels, averaged over the hole; NaN
        where no patch is completely visible, and for pictures that are not in colour.
    """
    if picture.shape[1] != PHOTO_CHANNELS or not hole.any():
        return float("nan")
    keep = (~hole).to(picture)[None, None]
    height, width = hole.shape
    border = (0, -width % PATCHES.stride, 0, -height % PATCHES.stride)
    picture, keep = (F.pad(x, border, mode="replicate") for x in (picture, keep))
    if (-F.max_pool2d(-keep, PATCHES.side, 1)).amax() < 1:
        return float("nan")
    values = copy_nearest_patches(picture, keep, PATCHES).misfit[0, 0, :height, :width]
    return values[hole].mean().item()


def _order(sample: Sample, wanted: int) -> tuple[float, float]:
    """Return the key that sorts samples: plausible ones first, then by probability."""
    value = sample.misfit if np.isfinite(sample.misfit) else 0.0
    return value, -sample.probabilities[wanted].item()
