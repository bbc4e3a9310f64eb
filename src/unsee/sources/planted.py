"""A small network that is trained to read the marks of the data set `planted`."""

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import ClassVar

import torch
from jaxtyping import UInt8
from torch import Tensor

from unsee.classifiers.classifier import Classifier
from unsee.datasets import _marks
from unsee.datasets._halves import HALVES, Half, digest, photos_of, square_of
from unsee.datasets._marks import NONE, Mark
from unsee.datasets.base import Sample
from unsee.errors import InputError
from unsee.images.framing import Framing
from unsee.networks.mark_reader import MarkReader
from unsee.networks.reading import Weights
from unsee.sources import _mark_cache, _mark_training
from unsee.sources._mark_pictures import Pictures, Squares
from unsee.sources._mark_training import Answers
from unsee.sources.base import Source

__all__ = ["Planted"]

LOG = logging.getLogger(__name__)
MAX_PHOTOS = 500
"""Number of photos that are held in memory, of each half."""
MAX_WITHOUT = 0.05
"""Largest mean probability of a class without its mark: covered, blurred or not drawn."""
MAX_STEPS = 100_000
"""Number of batches of the longest training."""


@dataclass(frozen=True)
class Planted(Source):
    """A small network trained within a minute to read the marks of the data set `planted`.

    It has five outputs: the four kinds of the mark, and "none" for a picture without a mark, with a
    covered mark or wholly blurred. The probability of a class thus falls from about 1 to about 0
    when its mark is removed. Pictures in which other pixels are replaced keep their class in the
    training. The argument is the data set whose photos are marked, a path or DATASET:PATH. The
    network is trained on the half of the photos that the data set `planted` does not use, and
    tested on the other half. The weights are kept in the cache folder. They depend on the photos,
    the settings, the machine and the version of torch, but not on the number of threads.
    """

    argument: ClassVar[str] = "DATA"

    mark: Mark = "letter"
    """Kind of the mark, as for the data set `planted`."""
    seed: int = 0
    """Seed of the initial weights and of the training pictures."""
    side: int = 160
    """Height and width of the pictures in pixels, as for the data set `planted`."""
    steps: int = 300
    """Number of batches of 32 pictures that it is trained on."""
    least_accuracy: float = 0.98
    """Smallest share of right answers to pictures of other photos; a network below is refused, and
    so is one that gives a class a mean probability above 0.05 without its mark. 0 accepts all."""

    def __post_init__(self) -> None:
        _marks.check_side(self.side)
        if not 1 <= self.steps <= MAX_STEPS:
            raise InputError(f"planted: expected steps from 1 to {MAX_STEPS:,}, got {self.steps}")
        if not 0 <= self.least_accuracy <= 1:
            raise InputError(
                f"planted: expected least_accuracy from 0 to 1, got {self.least_accuracy}"
            )

    def load(self, argument: str) -> Classifier:
        """Train the network, or read its weights from the cache folder."""
        network = MarkReader(_marks.CLASSES + 1)
        network.load_state_dict(_weights(self, argument))
        name = ",".join([f"planted:{argument}", *_differences(self)])
        return Classifier(
            network.eval().requires_grad_(False),
            mean=(_mark_training.MEAN,) * 3,
            std=(_mark_training.STD,) * 3,
            framing=Framing((self.side, self.side), share=1.0),
            labels=(*_marks.class_names(self.mark), NONE),
            outputs="softmax",
            name=name,
        )


def _differences(source: Planted) -> list[str]:
    """Return the settings that are not the default, and the mark, as a specification has them."""
    values = [(field, getattr(source, field.name)) for field in fields(source)]
    return [
        f"{field.name}={value}"
        for field, value in values
        if value != field.default or field.name == "mark"
    ]


@lru_cache(maxsize=8)
def _weights(source: Planted, data: str) -> Weights:
    """Return the weights of a trained network; a process reads the photos once.

    Raises:
        InputError: There are too few photos, or the network reads the marks too badly.
    """
    training, held_out = (_squares(data, half, source.side) for half in HALVES)
    path = _mark_cache.path_of(replace(source, least_accuracy=0.0), training, held_out)
    with _mark_cache.one_at_a_time(path):
        stored = _mark_cache.read(path)
        if stored is None:
            name = f"the classifier planted:{data},mark={source.mark}"
            LOG.warning(
                "training %s on %d photos, which takes about a minute, once; the weights are kept "
                "in %s", name, len(training), path.parent,
            )  # fmt: skip
            trained = Pictures(training, source.mark, source.seed)
            network = _mark_training.train(trained, source.steps)
            tested = _mark_training.test(network, replace(trained, squares=held_out))
            LOG.warning("trained %s: %s", name, tested)
            stored = network.state_dict(), tested
            _mark_cache.write(path, *stored)
    weights, tested = stored
    if not _reads_marks(tested, source.least_accuracy):
        raise InputError(
            f"planted:{data},mark={source.mark}: the network reads the marks too badly, {tested}; "
            f"expected right answers to {source.least_accuracy:.1%}, and a mean probability "
            f"without the mark of at most {MAX_WITHOUT}; use more photos, or "
            f"steps={2 * source.steps}"
        )
    return weights


def _reads_marks(tested: Answers, least_accuracy: float) -> bool:
    """Return whether a network reads the marks and, unless nothing is demanded, nothing else."""
    return least_accuracy == 0 or (
        tested.accuracy >= least_accuracy and tested.without <= MAX_WITHOUT
    )


def _squares(data: str, half: Half, side: int) -> Squares:
    """Return photos of one half as squares in memory; those that cannot be read are left out.

    Raises:
        InputError: No photo can be read.
    """
    photos, _ = photos_of(data, half)
    photos.sort(key=lambda photo: digest(photo.id))
    with ThreadPoolExecutor() as pool:
        squares = list(pool.map(lambda photo: _square(photo, side), photos[:MAX_PHOTOS]))
    readable = [square for square in squares if isinstance(square, Tensor)]
    errors = [square for square in squares if isinstance(square, InputError)]
    if not readable:
        raise errors[0]
    if errors:
        LOG.warning("left out %d photos that cannot be read; %s", len(errors), errors[0])
    return torch.stack(readable)


def _square(photo: Sample, side: int) -> UInt8[Tensor, "3 {side} {side}"] | InputError:
    """Return the central square of a photo, or the error if it cannot be read."""
    try:
        return (square_of(photo, side) * 255).round().to(torch.uint8)
    except InputError as error:
        return error
