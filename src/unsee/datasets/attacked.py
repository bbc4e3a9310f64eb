"""Adversarial examples: photos changed a little, so that a classifier predicts a given class."""

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Literal

import torch

from unsee.classifiers import loading
from unsee.classifiers.classes import classes_of
from unsee.classifiers.classifier import Classifier
from unsee.classifiers.labels import index_of, synonyms_of
from unsee.classifiers.modes import own_modes
from unsee.datasets._attacks import ATTACKS
from unsee.datasets._loading import load_data
from unsee.datasets._own_classifier import load_own
from unsee.datasets.base import Dataset, Sample, Samples, check_samples
from unsee.errors import InputError
from unsee.images.framing import Photo
from unsee.noise import random_bytes

__all__ = ["Attacked"]

LEVELS = 255
"""Largest level of an 8-bit pixel."""
MAX_STEPS = 10_000
"""Largest number of steps."""


@dataclass(frozen=True)
class Attacked(Dataset):
    """Adversarial examples: photos changed a little, so that a classifier predicts one class.

    DATA is a data set, as `--data` takes it; its labels are ignored. Each photo is framed as the
    attacked classifier frames it, rounded to 8 bits, as in a file, and changed by at most `epsilon`
    levels of 255. The label of each picture is the target of the attack, so that `--correct` leaves
    only pictures that are answered as the target. `attack=none` gives the same photos unchanged,
    with the same ids and without labels.

    The framing of the explained classifier may crop the margins once more: use `--fit resize`.
    Photos are attacked when they are read, one at a time on the CPU, so that the result depends
    neither on the device nor on the batch.

    References: Dong et al., 2018, Boosting adversarial attacks with momentum, CVPR,
    https://arxiv.org/abs/1710.06081 (`mi_fgsm`, as in Figure 4 of iGOS++); Madry et al., 2018,
    Towards deep learning models resistant to adversarial attacks, ICLR,
    https://arxiv.org/abs/1706.06083 (`pgd`)
    """

    argument: ClassVar[str] = "DATA"
    is_composed: ClassVar[bool] = True
    loads_classifier: ClassVar[bool] = True

    attack: Literal["mi_fgsm", "pgd", "none"] = "mi_fgsm"
    """Attack."""
    target: str = "283"
    """Class that the classifier is to answer, by number or name; 283 is ImageNet's Persian cat."""
    epsilon: int = 8
    """Largest change of a pixel, in levels of 255."""
    steps: int = 10
    """Steps of the attack, each one pass forward and backward."""
    seed: int = 0
    """Seed of the random start of `pgd`."""
    classifier: str = loading.DEFAULT
    """Classifier that is attacked, see `unsee list classifiers`; in quotes if it has settings."""
    trust: bool = field(default=False, repr=False)
    """Whether the classifier may be Python code or a program. Not a setting of a run, which
    is stored: pass --trust."""

    def __post_init__(self) -> None:
        if self.attack not in ATTACKS:
            raise InputError(f"attacked: expected attack {' or '.join(ATTACKS)}, got {self.attack}")
        if not 1 <= self.epsilon <= LEVELS or not 1 <= self.steps <= MAX_STEPS:
            raise InputError(
                f"attacked: expected epsilon from 1 to {LEVELS} and steps from 1 to {MAX_STEPS:,}, "
                f"got {self.epsilon} and {self.steps}"
            )

    def recognises(self, path: Path) -> bool:
        """Return False: photos are attacked on request only."""
        return False

    @torch.inference_mode(False)
    def samples(self, path: Path) -> Samples:
        """Return the photos, which are attacked when they are read.

        Raises:
            InputError: The classifier has no such class, no gradient, or classes that do not
                exclude each other; or it is code or a program and `trust` is not set.
        """
        photos = load_data(str(path))
        _load.cache_clear()  # the name may stand for another classifier by now
        classifier = _load(self.classifier, self.trust)
        count = classes_of(classifier)
        classifier.kind.require_one_answer("attacked")
        target, label = 0, None
        if self.attack != "none":
            numbers = classifier.labels or list(map(str, range(count or 0)))
            target = label = index_of(numbers, self.target)
            height, width = classifier.framing.size
            grey = torch.full((1, classifier.channels, height, width), 0.5)
            classifier.require_gradient(grey, "attacked")
        made = [Sample(photo.id, AttackedPhoto(photo, self, target), label) for photo in photos]
        names = {i: tuple(synonyms_of(label)) for i, label in enumerate(classifier.labels)}
        return check_samples(made, path, notes=photos.notes, classes=names)


@dataclass(frozen=True)
class AttackedPhoto:
    """Reads a photo, frames it and attacks it."""

    photo: Sample
    settings: Attacked
    target: int
    """Number of the class that the classifier is to answer."""

    @torch.inference_mode(False)
    def __call__(self, channels: int) -> Photo:
        """Return the picture, with the channels of the attacked classifier."""
        settings = self.settings
        classifier = _load(settings.classifier, settings.trust)
        if channels != classifier.channels:
            raise InputError(
                f"attacked for a classifier of {classifier.channels} channels, but {channels} are "
                "expected"
            )
        photo = self.photo.photo(channels)
        seed = int.from_bytes(random_bytes(settings.seed, self.photo.id)[:4], "big")
        with own_modes(classifier.device, deterministic=True):
            image = (classifier.framing.show(photo.clone()) * LEVELS).round() / LEVELS
            changed = ATTACKS[settings.attack](
                classifier, image, self.target, settings.epsilon / LEVELS, settings.steps, seed
            )
        return (changed[0] * LEVELS).round() / LEVELS


@lru_cache(1)
def _load(classifier: str, trust: bool) -> Classifier:
    return load_own("attacked", classifier, trust=trust)
