"""Pictures of four photos of different classes, of which one is asked for."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch

from unsee.classifiers import determinism, loading
from unsee.classifiers.classes import classes_of
from unsee.classifiers.classifier import Classifier
from unsee.datasets._classes import class_numbers, note_of, with_numbers
from unsee.datasets._loading import load_data
from unsee.datasets._own_classifier import load_own
from unsee.datasets.base import Dataset, Sample, Samples, check_samples
from unsee.errors import InputError
from unsee.images.framing import Framing, Photo
from unsee.noise import random_bytes

__all__ = ["Mosaics"]

TILES = 4
"""Tiles of a picture: two rows of two."""
MAX_COUNT = 10**6
"""Largest number of pictures."""

Pool = dict[int, list[Sample]]
"""Photos by the classifier's number of their class, in the order in which they are used."""


@dataclass(frozen=True)
class Mosaics(Dataset):
    """Pictures of 2 x 2 photos of four classes; the label is the class and the box of one tile.

    DATA is a labelled data set, as `--data` takes it. Photos are tried in a seeded order; those
    whose labelled class the classifier answers first, with enough confidence, become tiles, framed
    as the classifier frames them. Trying stops when `count` pictures need no photo twice. With
    fewer photos, all are used before any is used again. Each id names the four photos and the tile.

    The pictures suit any classifier of these classes. Its framing may crop their margins
    (`--fit resize` shows the whole picture). The choice is made on the CPU, one photo at a time, so
    that it depends neither on the device nor on the batch.

    Reference: Böhle et al., 2021, Convolutional dynamic alignment networks for interpretable
    classifications, CVPR (a grid of recognised photos),
    https://arxiv.org/abs/2104.00032
    """

    argument: ClassVar[str] = "DATA"
    is_composed: ClassVar[bool] = True
    loads_classifier: ClassVar[bool] = True

    count: int = 100
    """Number of pictures."""
    seed: int = 0
    """Seed of the choice and of the order of photos, classes and tiles."""
    classifier: str = loading.DEFAULT
    """Classifier that chooses the photos, see `unsee list classifiers`; in quotes if it has
    settings."""
    least_probability: float = 0.8
    """Probability of the labelled class that a photo has to exceed when it is alone."""
    trust: bool = False
    """Whether the classifier may be Python code or a program. Not a setting of a run, which
    is stored: pass --trust."""

    def __post_init__(self) -> None:
        if not 1 <= self.count <= MAX_COUNT:
            raise InputError(f"mosaics: expected count from 1 to {MAX_COUNT:,}, got {self.count}")
        if not 0 <= self.least_probability < 1:
            raise InputError(
                f"mosaics: expected 0 <= least_probability < 1, got {self.least_probability}"
            )

    def recognises(self, path: Path) -> bool:
        """Return False: mosaics are made on request only."""
        return False

    def samples(self, path: Path) -> Samples:
        """Return the pictures. Photos are read, and passed to the classifier, until enough fit.

        Raises:
            InputError: The photos are not labelled, their labels are not the classifier's classes,
                or the classifier recognises photos of fewer than four classes; or the classifier
                is code or a program and `trust` is not set.
        """
        photos = load_data(str(path))
        labelled = photos.part(sample for sample in photos if sample.target is not None)
        if not labelled:
            raise InputError(f"{path}: mosaics need labelled photos; none of these has a class")
        check_class_count(len({sample.target for sample in labelled}), "labelled photos", path)
        classifier = load_own("mosaics", self.classifier, trust=self.trust)
        numbers = _numbers(labelled, classifier, path)
        pool, notes = self._recognised(labelled, numbers, classifier, path)
        if note := note_of(labelled, classifier.labels, self.classifier):
            notes.append(note)
        pictures = compose(pool, self.count, self.seed)
        uses = Counter(sample.id for picture in pictures for sample in picture)
        if (most := max(uses.values())) > 1:
            notes.append(
                f"{path}: {self.count} pictures have {TILES * self.count} tiles but only "
                f"{sum(map(len, pool.values()))} photos, each used up to {most} times"
            )
        made = [
            self._sample(number, picture, classifier.framing)
            for number, picture in enumerate(pictures)
        ]
        return check_samples(
            made, path, notes=[*photos.notes, *notes], classes=photos.classes,
            of_imagenet=photos.of_imagenet,
        )  # fmt: skip

    def _recognised(
        self, photos: Sequence[Sample], numbers: dict[str, int], classifier: Classifier, path: Path
    ) -> tuple[Pool, list[str]]:
        """Return photos that the classifier recognises, enough if there are, and notes."""
        pool: Pool = {}
        unreadable: list[InputError] = []
        tried = 0
        for sample in sorted(photos, key=lambda sample: random_bytes(self.seed, sample.id)):
            if has_enough(pool, self.count):
                break
            tried += 1
            try:
                photo = sample.photo(classifier.channels)
            except InputError as error:
                unreadable.append(error)
                continue
            if self._recognises(photo, numbers[sample.id], classifier, sample.id):
                pool.setdefault(numbers[sample.id], []).append(sample)
        number = sum(map(len, pool.values()))
        summary = (
            f"{number} of {tried} photos are recognised by {self.classifier} (labelled class "
            f"first, p > {self.least_probability:g})"
        )
        if len(pool) < TILES:
            raise InputError(
                f"{path}: {summary}, of {len(pool)} classes; mosaics need four classes. Are the "
                "labels the classifier's classes? If so, lower least_probability"
            )
        notes = [f"{path}: {summary}"]
        if unreadable:
            notes.append(
                f"{path}: left out photos that cannot be read, {len(unreadable)}: {unreadable[0]}"
            )
        return pool, notes

    def _recognises(self, photo: Photo, target: int, classifier: Classifier, id: str) -> bool:
        """Return whether the classifier answers this class first, with enough confidence."""
        try:
            with determinism.mode(classifier.device):
                probabilities = classifier.probabilities(classifier.framing.show(photo))[0]
        except InputError as error:
            raise error.prefixed(id) from error
        is_first = int(probabilities.argmax()) == target
        return is_first and probabilities[target].item() > self.least_probability

    def _sample(self, number: int, photos: Sequence[Sample], framing: Framing) -> Sample:
        """Return a picture, and ask for one of its tiles."""
        tile = random_bytes(self.seed, number, "tile")[0] % TILES
        (row, column), (height, width) = divmod(tile, 2), framing.size
        corners = [column, row, column + 1, row + 1]
        box = torch.tensor([corners]) * torch.tensor([width, height] * 2)
        names = " + ".join(sample.id for sample in photos)
        return Sample(
            f"mosaic {number + 1}: {names}, tile {tile + 1}",
            _Picture(tuple(photos), framing),
            photos[tile].target,
            box.float(),
        )


@dataclass(frozen=True)
class _Picture:
    """Reads four photos and puts them side by side, in two rows."""

    photos: tuple[Sample, ...]
    framing: Framing

    def __call__(self, channels: int) -> Photo:
        tiles = [self.framing.show(sample.photo(channels))[0] for sample in self.photos]
        return torch.cat([torch.cat(tiles[:2], 2), torch.cat(tiles[2:], 2)], 1)


def has_enough(pool: Pool, count: int) -> bool:
    """Return whether `count` pictures of four classes can be composed without using a photo twice.

    A class can be in each picture once, so that at most `count` of its photos are of use. That many
    photos suffice: `compose` uses the largest classes first.
    """
    return sum(min(len(photos), count) for photos in pool.values()) >= TILES * count


def compose(pool: Pool, count: int, seed: int) -> list[list[Sample]]:
    """Return the photos of each picture, four of different classes in a random order.

    A picture takes the classes whose next photo was used least, then those with the most such
    photos, then random ones. So no photo is used twice if there are enough, see `has_enough`.
    """
    uses = dict.fromkeys(pool, 0)
    pictures = []
    for number in range(count):

        def order(target: int, number: int = number) -> tuple[int, int, bytes]:
            rounds, done = divmod(uses[target], len(pool[target]))
            return rounds, done - len(pool[target]), random_bytes(seed, number, target)

        picture = []
        for target in sorted(pool, key=order)[:TILES]:
            picture.append(pool[target][uses[target] % len(pool[target])])
            uses[target] += 1
        pictures.append(sorted(picture, key=lambda s: random_bytes(seed, number, s.id)))
    return pictures


def check_class_count(count: int, photos: str, path: Path) -> None:
    """Raise `InputError` for fewer than four classes."""
    if count < TILES:
        raise InputError(f"{path}: mosaics need four classes; the {photos} are of {count}")


def _numbers(photos: Samples, classifier: Classifier, path: Path) -> dict[str, int]:
    """Return the number of the classifier's class of each photo, by id.

    Classes are matched as in a run, which matches those of the pictures with its own classifier.
    """
    try:
        numbers = class_numbers(photos, classifier.labels, classes_of(classifier), str(path))
    except InputError as error:
        raise error.prefixed(path) from error
    return {s.id: s.target for s in with_numbers(photos, numbers) if s.target is not None}
