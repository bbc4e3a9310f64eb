"""Run a method on one image after another, so that no map depends on the rest of a batch."""

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from unsee.classifiers.checks import NotFiniteError, not_finite
from unsee.classifiers.classifier import Classifier
from unsee.classifiers.measures import Logits
from unsee.errors import InputError
from unsee.masking.score import MaskedScore
from unsee.methods.base import Method, Progress
from unsee.types import Images


def predict_one_by_one(classifier: Classifier, images: Images) -> Logits:
    """Return the logits of each image alone.

    Raises:
        InputError: The images do not suit this classifier, or the logits are not finite.
    """
    classifier.check(images)
    logits, failed = [], []
    for number, image in enumerate(_separate(images)):
        try:
            logits.append(classifier.predict(image))
        except NotFiniteError:  # it names image 0, the only one of its batch
            failed.append(number)
    if failed:
        raise not_finite(failed)
    return torch.cat(logits)


def _separate(images: Images) -> list[Tensor]:
    """Return each image as a batch of its own, in memory of its own.

    The layout and the alignment of the memory are then those of an image that was alone from the
    start; some kernels depend on them.
    """
    return [image[None].clone(memory_format=torch.channels_last) for image in images]


def run_one_by_one(method: Method, score: MaskedScore) -> Iterator[Progress]:
    """Run a method on each image of a score alone.

    The map of an image is zero until its turn, and `losses` holds that of the current image alone.
    """
    finished: list[Tensor] = []
    count = len(score.images)
    for number, single in enumerate(_singles(score)):
        last = None
        for last in _numbered(method.run(single), number):
            done, total = number * last.total + last.done, count * last.total
            yield Progress(done, total, _Maps(finished, last, count), last.losses)
        if last is None:
            raise InputError(f"{type(method).__name__} yielded no result")
        finished.append(last.saliency().detach())


def _numbered(steps: Iterator[Progress], number: int) -> Iterator[Progress]:
    """Yield the steps for one image; an error names the image by its number in the batch."""
    try:
        yield from steps
    except NotFiniteError as error:
        raise not_finite([number]) from error


class _Maps:
    """The maps of the finished images and of the current one; zeros for those that follow."""

    def __init__(self, finished: list[Tensor], current: Progress, count: int) -> None:
        self.finished, self.current, self.count = tuple(finished), current, count

    def __call__(self) -> Tensor:
        maps = [*self.finished, self.current.saliency()]
        return torch.cat([*maps, maps[0].new_zeros(self.count - len(maps), *maps[0].shape[1:])])


def _singles(score: MaskedScore) -> list[MaskedScore]:
    """Return a score for each image; the in-filler is bound to each image alone."""
    if len(score.images) == 1:
        return [score]
    parts = zip(_separate(score.images), score.targets.split(1), score.seeds, strict=True)
    return [
        replace(
            score, images=image, targets=target, seeds=[seed], bound=None,
            slots=score.slots and score.slots.rows(torch.tensor([number])),
        )
        for number, (image, target, seed) in enumerate(parts)
    ]  # fmt: skip
