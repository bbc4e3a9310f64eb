"""Reading photos of any size, mode and depth, and finding them in folders."""

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

LARGEST = 100_000_000
"""Pixels of the largest photo that is decoded; what claims more is taken for a bomb."""
SUFFIXES = frozenset(
    [
        ".jpg",
        ".jpeg",
        ".jpe",
        ".png",
        ".webp",
        ".bmp",
        ".gif",
        ".tif",
        ".tiff",
        ".ppm",
        ".pgm",
        ".pbm",
        ".jp2",
        ".ico",
        ".tga",
    ]
)


@dataclass(frozen=True, eq=False)
class PhotoFile:
    """A decoded photo and where it came from."""

    pixels: Photo
    path: str
    sha256: str


def read(path: str | Path, channels: int = 3) -> PhotoFile:
    """Decode a photo into `channels` planes in [0, 1], upright.

    Grey, palette, CMYK and 16-bit files are converted; transparent parts are laid on white; the
    first frame of an animation counts. Raises `InputError` for what is not a readable photo.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: {'is a folder' if path.is_dir() else 'no such file'}")
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return PhotoFile(decode(content, path, channels), str(path), digest)


def decode(content: bytes, name: str | Path, channels: int = 3) -> Photo:
    """The photo that the bytes of a file hold; `name` is for messages."""
    if not content:
        raise InputError(f"{name}: the file is empty (0 bytes)")
    return _planes(_decode(content, Path(name)), channels)


def from_array(array: NDArray[np.generic] | Image.Image, channels: int = 3) -> Photo:
    """Bring a PIL image or a numpy array (h, w), (h, w, c) or (c, h, w) to (c, h, w) in [0, 1].

    Integers are divided by the largest number of their type; floats must already be in [0, 1].
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
    return torch.from_numpy(np.ascontiguousarray(_unit(array).transpose(2, 0, 1)))


def find(patterns: Iterable[str | Path]) -> list[Path]:
    """All photos that files, folders (with what lies below them) and globs name, each once.

    A name that leads nowhere is kept, so that it can be reported when it is read.
    """
    found: dict[Path, None] = {}
    for pattern in map(str, patterns):
        path = Path(pattern)
        if path.is_dir():
            below = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES)
            if not below:
                raise InputError(
                    f"{path}: no photos in this folder ({', '.join(sorted(SUFFIXES))})"
                )
            found.update(dict.fromkeys(below))
        elif not path.exists() and glob.has_magic(pattern):
            # Path.glob takes no absolute patterns
            matches = sorted(Path(match) for match in glob.glob(pattern, recursive=True))  # noqa: PTH207
            if not matches:
                raise InputError(f"{pattern}: matches no file")
            found.update(dict.fromkeys(find(matches)))
        else:
            found[path] = None
    return list(found)


def _decode(content: bytes, path: Path) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # broken EXIF blocks and Pillow's own bomb warning
            image = Image.open(BytesIO(content))
            width, height = image.size
            if width * height > LARGEST:
                raise InputError(
                    f"{path}: {width} x {height} pixels are more than the {LARGEST:,} allowed; "
                    "make it smaller first"
                )
            image.load()
            return _upright(image)
    except UnidentifiedImageError as error:
        raise InputError(f"{path}: not a photo in a format that Pillow reads") from error
    except Image.DecompressionBombError as error:
        raise InputError(f"{path}: more than the {LARGEST:,} pixels allowed") from error
    except InputError:
        raise
    except Exception as error:  # Pillow's decoders raise anything from SyntaxError to struct.error
        raise InputError(f"{path}: truncated or damaged ({error})") from error


def _upright(image: Image.Image) -> Image.Image:
    turned: Image.Image = ImageOps.exif_transpose(image)
    return turned


def _planes(image: Image.Image, channels: int) -> Photo:
    """Planes in [0, 1] of an upright picture."""
    if image.mode in {"I;16", "I;16B", "I;16L", "I;16N", "I", "F"}:
        return from_array(_deep(image), channels)
    if image.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    if channels not in {1, 3}:
        raise InputError(
            f"a photo has 1 or 3 channels, the classifier wants {channels}: pass arrays"
        )
    return from_array(np.asarray(image.convert("L" if channels == 1 else "RGB")), channels)


def _deep(image: Image.Image) -> NDArray[np.float32]:
    """A single plane of more than 8 bits, in [0, 1]."""
    array = np.asarray(image, dtype=np.float64)
    if image.mode == "F":
        top = 1.0 if array.max() <= 1 else 255.0
    else:
        top = 65535.0 if array.max() <= 65535 else float(2**31 - 1)
    return (array / top).clip(0, 1).astype(np.float32)


def _unit(array: NDArray[np.generic]) -> NDArray[np.float32]:
    if array.dtype == bool:
        return array.astype(np.float32)
    if np.issubdtype(array.dtype, np.integer):
        top = np.iinfo(array.dtype).max  # type: ignore[type-var]
        return (array.astype(np.float64) / top).astype(np.float32)
    floats = array.astype(np.float32)
    low, high = float(floats.min()), float(floats.max())
    if not (low >= 0 and high <= 1):  # also refuses NaN
        raise InputError(f"expected floats in [0, 1], got [{low:.3g}, {high:.3g}]; divide by 255?")
    return floats
