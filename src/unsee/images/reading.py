"""Find photos and read them, whatever their size, mode and bit depth."""

import glob
import hashlib
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from unsee.errors import InputError
from unsee.images.framing import Photo

MAX_PIXELS = 100_000_000
"""Number of pixels of the largest photo that is decoded, as a limit for decompression bombs."""
SUFFIXES = frozenset([
    ".bmp", ".gif", ".ico", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm",
    ".tga", ".tif", ".tiff", ".webp",
])  # fmt: skip
"""Suffixes of the files that a search of a folder takes for photos."""


@dataclass(frozen=True, eq=False)
class PhotoFile:
    """A decoded photo with its origin."""

    pixels: Photo
    """The photo, (c, height, width) in [0, 1]."""
    path: str
    """Path of the file."""
    sha256: str
    """SHA-256 of the file's content, in hexadecimal digits."""


def read(path: str | Path, channels: int = 3) -> PhotoFile:
    """Read a photo with 1 or 3 channels in [0, 1], rotated as its EXIF orientation says.

    Grey, palette, CMYK and 16-bit files are converted. Transparent pixels are blended with white.
    Of an animation the first frame is read.

    Raises:
        InputError: The file does not exist or is not a readable photo.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(
            f"{path}: {'is a folder, expected a photo' if path.is_dir() else 'no such file'}"
        )
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return PhotoFile(decode(content, path, channels), str(path), digest)


def decode(content: bytes, name: str | Path, channels: int = 3) -> Photo:
    """Decode the content of a file as `read` does; `name` is used in messages."""
    if not content:
        raise InputError(f"{name}: the file is empty (0 bytes)")
    return _planes(_decode(content, Path(name)), channels)


def from_array(array: NDArray[np.generic] | Image.Image, channels: int = 3) -> Photo:
    """Convert a PIL image or a NumPy array to a photo (c, h, w) in [0, 1].

    Args:
        array: A PIL image, or an array (h, w), (h, w, c) or (c, h, w). Integers are divided by the
            largest value of their type; floats must be in [0, 1].
        channels: Number of channels of the photo; a grey image is repeated for 3.

    Raises:
        InputError: The shape or the values do not fit.
    """
    if isinstance(array, Image.Image):
        return _planes(_upright(array), channels)
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3:
        raise InputError(f"expected an image (h, w), (h, w, c) or (c, h, w), got {array.shape}")
    if array.shape[0] == channels and array.shape[2] != channels:
        array = array.transpose(1, 2, 0)
    if array.shape[2] == 1 and channels == 3:
        array = array.repeat(3, axis=2)
    if array.shape[2] != channels:
        raise InputError(f"expected {channels} channels, got an array of shape {array.shape}")
    return torch.from_numpy(np.ascontiguousarray(_scale(array).transpose(2, 0, 1)))


def find(patterns: Iterable[str | Path]) -> list[Path]:
    """Return the photos of files, folders (including subfolders) and glob patterns, each once.

    The path of a file that does not exist is kept, so that reading it reports the error.

    Raises:
        InputError: A folder holds no photo, or a pattern matches no file.
    """
    photos: dict[Path, None] = {}
    for pattern in map(str, patterns):
        path = Path(pattern)
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES)
            if not inside:
                raise InputError(
                    f"{path}: no photos in this folder ({', '.join(sorted(SUFFIXES))})"
                )
            photos.update(dict.fromkeys(inside))
        elif not path.exists() and glob.has_magic(pattern):
            # Path.glob refuses absolute patterns
            matches = sorted(Path(match) for match in glob.glob(pattern, recursive=True))  # noqa: PTH207
            if not matches:
                raise InputError(f"{pattern}: matches no file")
            photos.update(dict.fromkeys(find(matches)))
        else:
            photos[path] = None
    return list(photos)


def _decode(content: bytes, path: Path) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # broken EXIF blocks and Pillow's own bomb warning
            image = Image.open(BytesIO(content))
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise InputError(
                    f"{path}: {width} x {height} pixels are more than the {MAX_PIXELS:,} allowed; "
                    "make the photo smaller"
                )
            image.load()
            return _upright(image)
    except UnidentifiedImageError as error:
        raise InputError(f"{path}: not a photo in a format that Pillow supports") from error
    except Image.DecompressionBombError as error:
        raise InputError(f"{path}: more than the {MAX_PIXELS:,} pixels allowed") from error
    except InputError:
        raise
    except Exception as error:  # Pillow's decoders raise SyntaxError, struct.error and others
        raise InputError(f"{path}: truncated or damaged ({error})") from error


def _upright(image: Image.Image) -> Image.Image:
    rotated: Image.Image = ImageOps.exif_transpose(image)
    return rotated


def _planes(image: Image.Image, channels: int) -> Photo:
    """Convert a decoded image to a photo."""
    if image.mode in {"I;16", "I;16B", "I;16L", "I;16N", "I", "F"}:
        return from_array(_scale_high_depth(image), channels)
    if image.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    if channels not in {1, 3}:
        raise InputError(
            f"a photo has 1 or 3 channels, but the classifier expects {channels}; pass arrays"
        )
    return from_array(np.asarray(image.convert("L" if channels == 1 else "RGB")), channels)


def _scale_high_depth(image: Image.Image) -> NDArray[np.float32]:
    """Return the values in [0, 1] of a grey image with more than 8 bits per pixel.

    The range of modes F and I is not stored; it is inferred from the largest value.
    """
    array = np.asarray(image, dtype=np.float64)
    if image.mode == "F":
        white = 1.0 if array.max() <= 1 else 255.0
    else:
        white = 65535.0 if array.max() <= 65535 else float(2**31 - 1)
    return (array / white).clip(0, 1).astype(np.float32)


def _scale(array: NDArray[np.generic]) -> NDArray[np.float32]:
    """Return an array in [0, 1]; refuse floats outside of it."""
    if array.dtype == bool:
        return array.astype(np.float32)
    if np.issubdtype(array.dtype, np.integer):
        white = np.iinfo(array.dtype).max  # type: ignore[type-var]
        return (array.astype(np.float64) / white).astype(np.float32)
    floats = array.astype(np.float32)
    low, high = float(floats.min()), float(floats.max())
    if not (low >= 0 and high <= 1):  # also refuses NaN
        raise InputError(f"expected floats in [0, 1], got [{low:.3g}, {high:.3g}]; divide by 255?")
    return floats
