"""Photos of a data set in two halves: one is explained, a classifier is trained on the other."""

import hashlib
from pathlib import Path
from typing import Literal, get_args

from unsee.datasets._loading import load_data
from unsee.datasets.base import PhotoReader, Sample
from unsee.errors import InputError
from unsee.images.framing import Framing, Photo
from unsee.registry import available, parse, part

Half = Literal["training", "explained"]
HALVES: tuple[Half, ...] = get_args(Half)


def photos_of(data: str, half: Half) -> tuple[list[Sample], list[str]]:
    """Return one half of the photos, each once and without its labels, and notes of the data set.

    The half of a photo depends on nothing but its name within the data set.

    Args:
        data: A path, or DATASET:PATH.
        half: The half to return.

    Raises:
        InputError: The data set does not exist or cannot be used, or the half has no photos.
    """
    spec = parse("datasets", data)
    if spec.argument and spec.name in available("datasets"):
        if part("datasets", spec.name).is_composed:
            raise InputError(f"{data}: expected photos, got a data set that is made of photos")
        folder = Path(spec.argument)
    else:
        folder = Path(data)
    samples = load_data(data)
    photos: dict[str, Sample] = {}
    for sample in samples:
        name = _name(sample, folder)
        if digest(name) % 2 == (half == "training"):
            photos.setdefault(name, Sample(name, sample.read))
    if not photos:
        raise InputError(
            f"{data}: {len(samples)} photos, none of which is in the half for "
            f"{'training' if half == 'training' else 'explanations'}; use more photos"
        )
    return list(photos.values()), list(samples.notes)


def square_of(photo: Sample, side: int) -> Photo:
    """Return the central square of a photo with 3 channels, resized to `side` pixels.

    Raises:
        InputError: The photo cannot be read.
    """
    return Framing((side, side), share=1.0).show(photo.photo(3))[0]


def digest(text: str) -> int:
    """Return a 63-bit hash of a text."""
    content = hashlib.blake2b(text.encode("utf-8", "backslashreplace"), digest_size=8).digest()
    return int.from_bytes(content, "little") >> 1


def _name(sample: Sample, folder: Path) -> str:
    """Return the path of a photo in its data set, which may have it once for each class."""
    if isinstance(sample.read, PhotoReader) and sample.read.path.is_relative_to(folder):
        return sample.read.path.relative_to(folder).as_posix()
    return sample.id
