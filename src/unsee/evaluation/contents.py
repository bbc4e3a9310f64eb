"""Recognise photos, outlines and models that were replaced between two rows of a run."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from jaxtyping import Bool
from torch import Tensor

from unsee.errors import InputError
from unsee.evaluation.rows import Row, read_rows
from unsee.evaluation.store import Store
from unsee.images.framing import Photo
from unsee.storage.files import is_file

Contents = dict[tuple[int | str, str], str]
"""Hash of pixels and outline by their number of channels and photo.

The name of the classifier stands for the number where a run of an earlier version lacks it.
"""


def digest_of(photo: Photo, outline: Bool[Tensor, "rows columns"] | None = None) -> str:
    """Return a hash of the pixels of a photo, which does not depend on its file or its format.

    Args:
        photo: The whole photo.
        outline: Mask of the labelled objects, whose hash follows after a hyphen.
    """
    return "-".join(_digest(pixels) for pixels in (photo, outline) if pixels is not None)


def _digest(pixels: Tensor) -> str:
    content = hashlib.blake2b(repr(tuple(pixels.shape)).encode(), digest_size=8)
    content.update(pixels.contiguous().numpy().data)
    return content.hexdigest()


def channels_of(store: Store, classifiers: Iterable[str]) -> dict[str, int]:
    """Return the number of channels of those classifiers of a run whose views are stored."""
    views = {name: store.read_view(number) for number, name in enumerate(classifiers)}
    return {name: view.channels for name, view in views.items() if view is not None}


def add(contents: Contents, row: Row, channels: Mapping[str, int], folder: Path) -> None:
    """Add the hash of a row; rows of failed photos and of earlier versions have none.

    Args:
        contents: Hashes of other rows.
        row: The row.
        channels: Numbers of channels by classifier.
        folder: Folder of the run, for messages.

    Raises:
        InputError: Another row of the photo has other pixels, or another outline, also if it is of
            another classifier with as many channels.
    """
    content = row.get("content")
    if not content:
        return
    other = contents.setdefault(_key(row, channels), content)
    if other != content:
        same_pixels = other.partition("-")[0] == content.partition("-")[0]
        what = "another outline" if same_pixels else "other pixels"
        raise InputError(
            f"{folder}: the photo {row['photo']} has {what} than when other rows were computed; "
            "put the earlier file back, or choose another folder"
        )


def check_photos(
    store: Store, files: Sequence[Path], rows: Sequence[Row], channels: Mapping[str, int]
) -> None:
    """Check that the photos of new rows have the pixels that finished rows of them have.

    Args:
        store: The run.
        files: Files of rows of the same photos, which may not exist yet.
        rows: The new rows.
        channels: Numbers of channels by classifier.

    Raises:
        InputError: A photo was replaced.
    """
    contents: Contents = {}
    for row in rows:
        add(contents, row, channels, store.folder)
    missing = set(contents)
    for file in files:
        if not missing:
            return
        for row in read_rows(file) if is_file(file) else ():
            add(contents, row, channels, store.folder)
            if row.get("content"):
                missing.discard(_key(row, channels))


def _key(row: Row, channels: Mapping[str, int]) -> tuple[int | str, str]:
    classifier = row["classifier"]
    return channels.get(classifier, classifier), row["photo"]
