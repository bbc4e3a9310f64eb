"""Test whether a cluster of regions causes decisions: remove it, and paste it elsewhere."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from unsee.audits.evidence import Evidence
from unsee.classifiers.classifier import Classifier
from unsee.classifiers.measures import probability
from unsee.infillers.base import Infiller
from unsee.masking.score import MaskedScore
from unsee.noise import random_bytes, seeds_of
from unsee.reports.bootstrap import Mean, mean
from unsee.types import Images

GROWTH = 5
"""Side in pixels of the square by which a region is widened before it is removed or pasted."""
TRIES = 20
"""Random places that are tried for the control of a removal."""

ImageOf = Callable[[str], Images]
"""Returns the photo of an id, as the classifier sees it."""


@dataclass(frozen=True)
class Effect:
    """Mean change of the probability of the class, and of the answer, with intervals."""

    change: Mean
    """Change of the probability by the region: fall where it is removed, rise where pasted."""
    control: Mean
    """The same for an equal area elsewhere, or for pixels of another photo."""
    difference: Mean
    """Change less control, paired."""
    answers: Mean
    """Share of the photos whose answer changes: from the class, or to the class."""

    @property
    def is_clear(self) -> bool:
        """Whether the region changes more than its control, its interval being clear of zero."""
        return self.difference.has_interval and self.difference.low > 0


@dataclass(frozen=True, eq=False)
class CausalTest:
    """Photos, classifier and in-filler with which clusters are tested."""

    classifier: Classifier
    infiller: Infiller
    image_of: ImageOf
    seed: int = 0
    limit: int = 40
    """Largest number of regions of a cluster that are removed and pasted."""

    def removal(self, members: Sequence[Evidence]) -> Effect:
        """Return the fall of the probability while the regions are in-filled.

        The control is the same area at a random other place of the photo.
        """
        changes, controls, answers = [], [], []
        for member in self.some(members):
            image = self.image_of(member.photo)
            region = widened(member.region)
            elsewhere = self._elsewhere(region, member)
            keep = torch.stack([~region, ~elsewhere]).to(image)[None, :, None]
            whole, (removed, control) = self._without(image, member.target, keep)
            changes.append(whole[member.target] - removed[member.target])
            controls.append(whole[member.target] - control[member.target])
            answers.append(_leaves(whole, removed, member.target))
        return _effect(changes, controls, answers)

    def transplant(
        self, members: Sequence[Evidence], recipients: Sequence[tuple[str, int]]
    ) -> Effect:
        """Return the rise of the probability while the regions are pasted into other photos.

        Each region is pasted at its own place, the control pastes another photo's pixels there.

        Args:
            members: Regions of a cluster.
            recipients: Photos without a region of the cluster, and the classes that are explained.
        """
        changes, controls, answers = [], [], []
        for number, member in enumerate(self.some(members)):
            others = [photo for photo, target in recipients if target != member.target]
            if not others:
                continue
            random = Random(random_bytes(self.seed, "transplant", member.photo, number))
            first, second = random.sample(others, 2) if len(others) > 1 else others * 2
            donor, photo, other = map(self.image_of, (member.photo, first, second))
            mask = softened(widened(member.region)).to(photo)
            pictures = torch.cat([
                photo, torch.lerp(photo, donor, mask), torch.lerp(photo, other, mask),
            ])  # fmt: skip
            before, after, control = self.classifier.probabilities(pictures)
            changes.append((after - before)[member.target].item())
            controls.append((control - before)[member.target].item())
            answers.append(_leaves(after, before, member.target))
        return _effect(changes, controls, answers)

    def some(self, members: Sequence[Evidence]) -> list[Evidence]:
        """Return at most `limit` regions, at random and at most one of each photo."""
        by_photo: dict[str, Evidence] = {}
        for member in members:
            by_photo.setdefault(member.photo, member)
        order = sorted(by_photo, key=lambda photo: random_bytes(self.seed, "some", photo))
        return [by_photo[photo] for photo in order[: self.limit]]

    def _elsewhere(self, region: Bool[Tensor, "h w"], member: Evidence) -> Bool[Tensor, "h w"]:
        """Return the region at another place of the photo, which overlaps it least."""
        random = Random(random_bytes(self.seed, "elsewhere", member.photo))
        h, w = region.shape
        moved = [
            region.roll((random.randrange(h), random.randrange(w)), (0, 1)) for _ in range(TRIES)
        ]
        return min(moved, key=lambda other: int((other & region).sum()))

    def _without(
        self, image: Images, target: int, keep: Float[Tensor, "1 k 1 h w"]
    ) -> tuple[Tensor, list[Tensor]]:
        """Return the probabilities of the photo, and of the photo under each mask."""
        count = keep.shape[1]
        images = image.repeat(count, 1, 1, 1)
        targets = torch.full((count,), target, device=image.device)
        seeds = seeds_of(images, self.seed)
        score = MaskedScore(self.classifier, self.infiller, images, targets, seeds, probability)
        pictures = score.pictures(keep.transpose(0, 1))
        whole, *rest = self.classifier.probabilities(torch.cat([image, pictures]))
        return whole.cpu(), [one.cpu() for one in rest]


def widened(region: Bool[Tensor, "h w"]) -> Bool[Tensor, "h w"]:
    """Return the pixels within `GROWTH` // 2 of a region."""
    grown = F.max_pool2d(region[None, None].float(), GROWTH, 1, GROWTH // 2)
    return grown[0, 0] > 0


def softened(region: Bool[Tensor, "h w"]) -> Float[Tensor, "1 1 h w"]:
    """Return a mask of a region with soft edges."""
    return F.avg_pool2d(region[None, None].float(), GROWTH, 1, GROWTH // 2)


def _leaves(whole: Tensor, changed: Tensor, target: int) -> float:
    """Return 1 if a class is the answer of the first and not of the second, else 0."""
    return float(whole.argmax() == target and changed.argmax() != target)


def _effect(
    changes: Sequence[float | Tensor], controls: Sequence[float | Tensor], answers: Sequence[float]
) -> Effect:
    first, second = ([float(value) for value in values] for values in (changes, controls))
    paired = [a - b for a, b in zip(first, second, strict=True)]
    return Effect(mean(first), mean(second), mean(paired), mean(answers))
