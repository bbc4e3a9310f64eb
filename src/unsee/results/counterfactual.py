"""Pictures in which the evidence for one class is in-filled, so that another one is the answer."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from scipy import ndimage
from torch import Tensor

from unsee.classifiers.measures import Against
from unsee.errors import InputError
from unsee.infillers.base import Infiller
from unsee.masking import masks
from unsee.masking.score import MaskedScore
from unsee.networks.patches import MEDIUM, copy_nearest_patches
from unsee.noise import seeds_of
from unsee.study import Study
from unsee.types import Images

LEVELS = 24
"""Shares of the pixels that are tried, from `FIRST_SHARE` on, in equal ratios."""
FIRST_SHARE = 0.005
"""Smallest share that is tried."""
MAX_REGIONS = 24
"""Largest number of separate regions that are tried to be left as they are."""
PHOTO_CHANNELS = 3
"""Channels of pictures whose plausibility is measured."""


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
    """How implausible the in-filled pixels are: root mean squared difference of the patches of 12
    pixels from the nearest visible ones, in the range of pixels; NaN without colour."""


@dataclass(frozen=True, eq=False)
class Counterfactual:
    """The fewest pixels whose in-filling makes another class the answer, and samples of it."""

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


@torch.no_grad()
def counterfactual(
    study: Study, infiller: Infiller | None = None, *, samples: int = 4, largest: float = 0.6
) -> Counterfactual:
    """Search for the fewest pixels whose in-filling makes the contrast class the answer.

    Pixels are removed in the order of the map of the target against the contrast class, in shares
    from half a percent to `largest`, until the classifier answers the contrast class for one of the
    in-fillings. Then separate regions that are not needed are left as they are, the smallest first.

    Args:
        study: A finished study of one image, whose measure is `Against`.
        infiller: In-filler of the pictures, by default that of the study.
        samples: Number of in-fillings, with different seeds; those of in-fillers without chance are
            equal, and one is returned.
        largest: Largest share of the pixels.

    Raises:
        InputError: The study has several images or another measure, or a setting is out of range.
    """
    measure, score = study.score.measure, study.score
    if not isinstance(measure, Against) or len(score.images) != 1:
        raise InputError("expected the study of one image against a contrast class")
    if samples < 1 or not FIRST_SHARE < largest <= 1:
        raise InputError(
            f"expected samples >= 1 and a largest share in ({FIRST_SHARE}, 1], got {samples} and "
            f"{largest:g}"
        )
    wanted, target = measure.contrast, int(score.targets[0])
    score = replace(score, infiller=score.infiller if infiller is None else infiller)
    with study.mode():
        scores = [_reseeded(score, study.seed + number) for number in range(samples)]
        hole = _first_hole(scores, study.explanation.saliency[0], wanted, largest)
        if _answers(scores, hole[None], wanted).any():
            hole = _pruned(scores, hole, wanted)
        in_fillings = _distinct([_sample(one, hole) for one in scores])
    in_fillings.sort(key=lambda sample: (sample.answer != wanted, _order(sample, wanted)))
    return Counterfactual(hole, tuple(in_fillings), target, wanted, in_fillings[0].answer == wanted)


def _reseeded(score: MaskedScore, seed: int) -> MaskedScore:
    return replace(score, seeds=seeds_of(score.images, seed))


def _first_hole(
    scores: Sequence[MaskedScore], saliency: Float[Tensor, "h w"], wanted: int, largest: float
) -> Bool[Tensor, "h w"]:
    """Return the first share that is answered as wanted; else that of the highest probability."""
    shares = np.geomspace(FIRST_SHARE, largest, LEVELS).tolist()
    holes = [masks.top_share(saliency[None], share)[0, 0, 0] > 0.5 for share in shares]
    best, highest = holes[-1], -1.0
    for hole in holes:
        if _answers(scores, hole[None], wanted).any():
            return hole
        probability = _probabilities(scores, hole[None])[..., wanted].max().item()
        if probability > highest:
            best, highest = hole, probability
    return best


def _pruned(
    scores: Sequence[MaskedScore], hole: Bool[Tensor, "h w"], wanted: int
) -> Bool[Tensor, "h w"]:
    """Return the hole without the separate regions that the answer does not need."""
    labels, count = ndimage.label(hole.cpu().numpy())
    sizes = np.bincount(labels.ravel())[1:]
    for number in sorted(range(count), key=lambda n: sizes[n])[-MAX_REGIONS:]:
        without = hole & ~torch.from_numpy(labels == number + 1).to(hole.device)
        if without.any() and _answers(scores, without[None], wanted).any():
            hole = without
    return hole


def _pictures(score: MaskedScore, holes: Bool[Tensor, "k h w"]) -> Images:
    return score.pictures((~holes).to(score.images)[None, :, None])


def _probabilities(
    scores: Sequence[MaskedScore], holes: Bool[Tensor, "k h w"]
) -> Float[Tensor, "n k classes"]:
    """Return the probabilities of all classes for each in-filling of each hole."""
    rows = [one.classifier.probabilities(_pictures(one, holes)) for one in scores]
    return torch.stack(rows)


def _answers(
    scores: Sequence[MaskedScore], holes: Bool[Tensor, "k h w"], wanted: int
) -> Bool[Tensor, "n k"]:
    """Return whether each in-filling of each hole is answered as wanted."""
    return _probabilities(scores, holes).argmax(2) == wanted


def _sample(score: MaskedScore, hole: Bool[Tensor, "h w"]) -> Sample:
    picture = _pictures(score, hole[None])
    probabilities = score.classifier.probabilities(picture)[0]
    return Sample(picture, probabilities.cpu(), int(probabilities.argmax()), misfit(picture, hole))


def misfit(picture: Images, hole: Bool[Tensor, "h w"]) -> float:
    """Return how far in-filled pixels are from patches of visible ones.

    Args:
        picture: A picture (1, c, h, w) in [0, 1].
        hole: Its in-filled pixels.

    Returns:
        Root mean squared difference of patches of 12 pixels that touch the hole from the nearest
        completely visible patch, averaged over the hole; 1 where no patch is completely visible,
        NaN for pictures that are not in colour.
    """
    if picture.shape[1] != PHOTO_CHANNELS or not hole.any():
        return float("nan")
    keep = (~hole).to(picture)[None, None]
    height, width = hole.shape
    border = (0, -width % MEDIUM.stride, 0, -height % MEDIUM.stride)
    picture, keep = (F.pad(x, border, mode="replicate") for x in (picture, keep))
    values = copy_nearest_patches(picture, keep, MEDIUM).misfit[0, 0, :height, :width]
    return values[hole].mean().item()


def _distinct(samples: list[Sample]) -> list[Sample]:
    """Return the samples whose pictures differ."""
    kept: list[Sample] = []
    for sample in samples:
        if not any(torch.equal(sample.picture, other.picture) for other in kept):
            kept.append(sample)
    return kept


def _order(sample: Sample, wanted: int) -> tuple[float, float]:
    """Return the key that sorts samples: plausible ones first, then by probability."""
    value = sample.misfit if np.isfinite(sample.misfit) else 0.0
    return value, -sample.probabilities[wanted].item()
