"""Read photos, whatever their size, mode and bit depth, in at most 1 GiB of memory."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from io import BufferedIOBase, BytesIO
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import Bool
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from unsee.errors import InputError, as_input_error
from unsee.images import _metadata, converting, opening
from unsee.images._quiet import silenced
from unsee.images.converting import planes_of, planes_of_array
from unsee.images.framing import Photo
from unsee.images.outlines import mask_of
from unsee.storage import files

Converted = TypeVar("Converted")


@dataclass(frozen=True, eq=False)
class PhotoFile:
    """A decoded photo with its origin."""

    pixels: Photo
    """The photo, (c, height, width) in [0, 1]."""
    path: str
    """Path of the file."""
    sha256: str
    """SHA-256 of the file's content, in hexadecimal digits."""
    reduced_from: tuple[int, int] | None = None
    """Height and width of the photo in the file, if it was read at half of them."""

    def origin(self) -> dict[str, Any]:
        """Return what a manifest says about the file."""
        origin: dict[str, Any] = {"path": self.path, "sha256": self.sha256}
        return origin if self.reduced_from is None else {**origin, "reduced": self.reduced_from}


def read(path: str | Path, channels: int = 3) -> PhotoFile:
    """Read a photo with 1 or 3 channels in [0, 1], rotated as its EXIF orientation says.

    Grey, palette, CMYK and 16-bit files are converted. Transparent pixels are blended with white.
    Of an animation the first frame is read. A photo of more than 25 megapixels is read at half of
    its height and width.

    Raises:
        InputError: The file does not exist or is not a readable photo, decoding it takes more than
            1 GiB, or its values have no evident range (see `from_array`).
    """
    with as_input_error(f"{path}: cannot be read"), files.open_binary(path) as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        pixels, reduced_from = _read(file, path, partial(planes_of, channels=channels))
    return PhotoFile(pixels, str(path), digest, reduced_from)


def decode(content: bytes, name: str | Path, channels: int = 3) -> Photo:
    """Decode the content of a file as `read` does; `name` is used in messages."""
    return _read(BytesIO(content), name, partial(planes_of, channels=channels))[0]


def decode_mask(content: bytes, name: str | Path) -> Bool[Tensor, "height width"]:
    """Decode the content of a file as a mask, see `mask_of`, upright and reduced as by `read`.

    Raises:
        InputError: It is not a readable picture, or all of it is an object.
    """
    mask = _read(BytesIO(content), name, mask_of)[0]
    if mask.all():
        raise InputError(
            f"{name}: expected a mask that is black or transparent where no object is, got one "
            "that covers the whole picture"
        )
    return torch.from_numpy(mask)


def decode_rgb(content: bytes, name: str | Path) -> Image.Image:
    """Decode the content of a file as 8-bit RGB, without rotation and transparency."""
    with opening.opened(BytesIO(content), name) as image:
        by = opening.load(image)
        return (image.reduce(by) if by > 1 else image).convert("RGB")


def read_indices(path: str | Path) -> NDArray[np.uint8]:
    """Read the palette indices or grey values (h, w) of a picture with 8 bits per pixel.

    Raises:
        InputError: The file cannot be read, is too large, or has another mode.
    """
    with files.open_binary(path) as file, opening.opened(file, path) as image:
        if image.mode not in {"P", "L"}:
            raise InputError(f"{path}: expected a picture with a palette, got mode {image.mode}")
        image.load()
        return np.array(image)


def read_numbers(path: str | Path) -> NDArray[np.generic]:
    """Read a picture in which each value or colour is a number: a palette index, a grey value.

    The bytes of a colour are the digits of its number. Returns an array (h, w).

    Raises:
        InputError: The file cannot be read or is too large.
    """
    with files.open_binary(path) as file, opening.opened(file, path) as image:
        _check_depth(image, path)
        if converting.is_cut(image):
            raise InputError(f"{path}: expected 8 bits for each colour of a number, got 16")
        image.load()
        array = np.array(image)
    if array.ndim < 3:
        return array
    return array.astype(np.int64) @ 256 ** np.arange(array.shape[2])[::-1]


def stored_size(file: BufferedIOBase, name: str | Path) -> tuple[int, int]:
    """Return the height and width of a photo in a file, before it is rotated or reduced."""
    with opening.opened(file, name) as image:
        return image.height, image.width


def may_be_reduced(rows: int, columns: int) -> bool:
    """Return whether a photo of this size may have been read at half of its height and width."""
    return rows * columns * 4 >= opening.MAX_KEPT


def from_array(array: NDArray[np.generic] | Image.Image, channels: int = 3) -> Photo:
    """Convert a PIL image or a NumPy array to a photo (c, h, w) in [0, 1].

    Args:
        array: A PIL image, or an array (h, w), (h, w, c) or (c, h, w). Integers are divided by the
            largest value of their type; floats must be in [0, 1]. PIL images of more than 25
            megapixels are reduced to half of their height and width.
        channels: Number of channels of the photo; a grey image is repeated for 3.

    Raises:
        InputError: The shape or the values do not fit: floats outside of [0, 1], negative integers,
            or integers of a wide type that would all be black, as 0..255 in 64 bits.
    """
    if isinstance(array, np.ma.MaskedArray):
        raise InputError("expected an array without a mask; replace its masked pixels (filled)")
    if not isinstance(array, Image.Image):
        return planes_of_array(array, channels)
    with silenced(), as_input_error("the PIL image cannot be read"):
        converting.check_depth(array)
        is_cut = converting.is_cut(array)
        array.load()
        if is_cut:
            converting.check_cut(array)
        by = opening.factor(array.size)
        return planes_of(array, channels, by, _metadata.orientation(array))


def _check_depth(image: Image.Image, name: str | Path) -> None:
    try:
        converting.check_depth(image)
    except InputError as error:
        raise error.prefixed(name) from error


def _read(
    file: BufferedIOBase, name: str | Path, convert: Callable[..., Converted]
) -> tuple[Converted, tuple[int, int] | None]:
    """Return the converted pixels, and the size before they were reduced, None if they were not."""
    if not file.read(1):
        raise InputError(f"{name}: the file is empty (0 bytes)")
    file.seek(0)
    with opening.opened(file, name) as image:
        width, height = image.size
        _check_depth(image, name)
        is_cut = converting.is_cut(image)
        by = opening.load(image)
        orientation = _metadata.orientation(image)
        try:
            if is_cut:
                converting.check_cut(image)
            pixels = convert(image, by=by, orientation=orientation)
        except InputError as error:
            raise error.prefixed(name) from error
    if opening.factor((width, height)) == 1:
        return pixels, None
    return pixels, (width, height) if orientation >= 5 else (height, width)
