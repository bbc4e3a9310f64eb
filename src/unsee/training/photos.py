"""Training photos: decoded once and held in memory as 8-bit squares."""

import logging
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import torch
from jaxtyping import Bool, UInt8
from PIL import Image
from torch import Tensor

from unsee.classifiers.classifier import Classifier
from unsee.datasets._classes import numbered
from unsee.datasets._loading import load_data
from unsee.datasets.base import filter_classes
from unsee.errors import InputError, as_input_error
from unsee.images import finding, reading
from unsee.images.framing import Framing, Photo
from unsee.storage import files
from unsee.types import Targets

LOG = logging.getLogger(__name__)
MIN_CLASSES = 2
"""Smallest number of classes that a training can use."""


class PhotoSet(NamedTuple):
    """Photos in memory, with their classes where the data are labelled."""

    pictures: UInt8[Tensor, "n 3 s s"]
    targets: Targets | None

    def select(self, mask: Bool[Tensor, " n"]) -> "PhotoSet":
        """Return the photos where `mask` is true."""
        targets = None if self.targets is None else self.targets[mask]
        return PhotoSet(self.pictures[mask], targets)

    def digest(self) -> str:
        """Return a digest of the pixels and the classes, in their order."""
        content = blake2b(repr(self.pictures.shape).encode(), digest_size=16)
        for tensor in (self.pictures, self.targets):
            if tensor is not None:
                content.update(tensor.contiguous().numpy().data)
        return content.hexdigest()


def load_squares(sources: Sequence[str | Path], side: int) -> UInt8[Tensor, "n 3 {side} {side}"]:
    """Load the central square of every photo in folders and zip files, without labels.

    Unreadable photos are skipped, and their number is logged as a warning.

    Raises:
        InputError: If no photo can be read, or a source does not exist.
    """
    with ThreadPoolExecutor() as pool:
        squares = list(pool.map(lambda photo: _central_square(photo, side), _photos(sources)))
    pictures = [square for square in squares if isinstance(square, Tensor)]
    errors = [square for square in squares if isinstance(square, InputError)]
    if not pictures:
        named = ", ".join(map(str, sources)) or "an empty list"
        raise InputError(f"no readable photo in {named}{f'; {errors[0]}' if errors else ''}")
    _report_skipped(errors, len(squares))
    return torch.stack(pictures)


def load_labelled(
    sources: Sequence[str | Path],
    side: int,
    classes: str | None = None,
    classifier: Classifier | None = None,
) -> PhotoSet:
    """Load the central square of every photo in labelled data sets, with its class.

    Unreadable photos are skipped, and their number is logged as a warning.

    Args:
        sources: Data sets as `unsee evaluate` takes them.
        side: Side of the squares in pixels.
        classes: Classes to load, as the data set counts them, e.g. "0-49,120"; None loads all.
        classifier: Classifier whose numbers the classes get; None keeps those of the data set.

    Raises:
        InputError: If the classifier has other classes, a photo has no label, or fewer than two
            classes remain.
    """
    pictures, targets = [], []
    errors: list[InputError] = []
    for source in sources:
        samples = filter_classes(load_data(str(source)), classes or "")
        if classifier is not None:
            samples = numbered(samples, classifier, str(source))
        for note in samples.notes:
            LOG.warning(note)
        for sample in samples:
            if sample.target is None:
                raise InputError(f"{sample.id} has no label; use {{labels}}", labels="predicted")
            try:
                pictures.append(_framed_square(sample.photo(3), side))
            except InputError as error:
                errors.append(error)
                continue
            targets.append(sample.target)
    _report_skipped(errors, len(errors) + len(pictures))
    check_classes(len(pictures), len(set(targets)))
    return PhotoSet(torch.stack(pictures), torch.tensor(targets))


def check_classes(photos: int, classes: int) -> None:
    """Raise `InputError` if the photos are of fewer than two classes."""
    if classes < MIN_CLASSES:
        raise InputError(
            f"expected photos of at least two classes, got {photos} photos of {classes}"
        )


def _framed_square(photo: Photo, side: int) -> UInt8[Tensor, "3 {side} {side}"]:
    framing = Framing((side, side), share=1.0)
    return (framing.show(photo)[0] * 255).round().to(torch.uint8)


def _report_skipped(errors: list[InputError], total: int) -> None:
    if errors:
        LOG.warning(
            "skipped %d of %d photos that cannot be read; %s", len(errors), total, errors[0]
        )


def _photos(sources: Sequence[str | Path]) -> Iterator["_Stored"]:
    """Yield where every photo is stored."""
    for source in map(Path, sources):
        if source.suffix == ".zip":
            with as_input_error(f"{source}: not a zip file that can be read"):
                archive = zipfile.ZipFile(files.check_file(source))
            for name in sorted(archive.namelist()):
                path = PurePosixPath(name)
                is_photo = path.suffix.lower() in finding.SUFFIXES
                if is_photo and not any(map(finding.is_foreign, path.parts)):
                    yield _Stored(source, name, archive)
        else:
            notes: list[str] = []
            yield from map(_Stored, finding.find([str(source)], notes))
            for note in notes:
                LOG.warning(note)


class _Stored(NamedTuple):
    """A photo file, or a member of a zip file."""

    path: Path
    member: str = ""
    archive: zipfile.ZipFile | None = None

    def read(self) -> bytes:
        if self.archive is None:
            return files.read_bytes(self.path)
        return files.read_member(self.archive, self.member, self.path)


def _central_square(photo: _Stored, side: int) -> Tensor | InputError:
    """Decode a photo and resize its central square; return the error if it cannot be decoded."""
    try:
        picture = reading.decode_rgb(photo.read(), photo.member or photo.path)
    except InputError as error:
        return error
    short = min(picture.size)
    left, top = ((length - short) // 2 for length in picture.size)
    box = (left, top, left + short, top + short)
    small = picture.resize((side, side), Image.Resampling.BICUBIC, box)
    pixels = torch.frombuffer(bytearray(small.tobytes()), dtype=torch.uint8)
    return pixels.view(side, side, 3).permute(2, 0, 1).contiguous()
