"""Convert decoded images and arrays to photos in [0, 1], without a clipped or a guessed value."""

import re
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from unsee.errors import InputError
from unsee.images._metadata import jpeg2000_depth
from unsee.images.framing import Photo

DEEP_MODES = frozenset(["I;16", "I;16B", "I;16L", "I;16N", "I", "F"])
"""Modes of grey images with more than 8 bits per pixel."""
CUT_MODES = frozenset(["RGB", "RGBA", "RGBX", "RGBa", "LA", "La", "CMYK", "YCbCr", "LAB"])
"""Modes of images with several bands of which Pillow may have read the upper 8 of 16 bits."""
DEEP_RAW = re.compile(";16[BLN]")
"""What Pillow's names of such layouts in a file contain."""
ALPHA_BANDS = ("A", "a")
"""Names of the band that says how opaque a pixel is."""
ALPHA_MODES = frozenset(["RGBA", "LA", "PA", "La", "RGBa"])
PHOTOMETRIC, WHITE_IS_ZERO = 262, 0
"""Tag of a TIFF file, and its value for a file in which 0 is white."""
SAMPLE_FORMAT, SIGNED = 339, 2
"""Tag of a TIFF file, and its value for signed integers, which Pillow wraps at 8 bits."""
DEPTHS, COMPRESSION, UNCOMPRESSED, PLANES, APART = 258, 259, 1, 284, 2
"""Tags of a TIFF file and their values: bits of a sample, no compression, one plane per band."""
STRIP_PIXELS = 2**21
"""Pixels that are converted at a time."""
DARKEST_SHARE = 1 / 8
"""Share of the range of a type that an image must exceed. 12 bits in a type of 16, signed or not,
do not: they would look black."""
DARKEST_BYTE = 1
"""Value that an array of 8 bits must exceed: 0 and 1 are those of a mask."""
Value = TypeVar("Value", bound=np.generic)


def planes_of(image: Image.Image, channels: int, by: int = 1, orientation: int = 1) -> Photo:
    """Convert a decoded image to a photo, strip by strip.

    Args:
        image: A PIL image of any mode.
        channels: 1 or 3.
        by: Factor by which height and width are reduced, 1 or 2.
        orientation: EXIF orientation, 1 to 8, that is undone.

    Raises:
        InputError: The values of a deep image have no evident range, see `white_of`.
    """
    if channels not in {1, 3}:
        raise InputError(
            f"a photo has 1 or 3 channels, but the classifier expects {channels}; pass arrays"
        )
    check_bands(image)
    white = _white_of_deep(image) if image.mode in DEEP_MODES else None
    height, width = -(-image.height // by), -(-image.width // by)
    size = (width, height) if orientation >= 5 else (height, width)
    photo = np.empty((channels, *size), np.float32)
    target = as_stored(photo, orientation)
    for top, strip in strips_of(image):
        if white is None:
            values = np.asarray(_opaque(strip, channels).reduce(by), np.float32)
            values /= np.float32(255)
        else:
            stored = np.asarray(strip)
            values = (stored / white).astype(np.float32)
            values = 1 - values if has_white_zero(image) else values
            if isinstance(key := image.info.get("transparency"), int):
                values[stored == key] = 1  # transparent pixels are blended with white
            values = np.asarray(Image.fromarray(values).reduce(by)) if by > 1 else values
        rows = slice(top // by, top // by + len(values))
        target[:, rows] = values.transpose(2, 0, 1) if values.ndim == 3 else values
    return torch.from_numpy(photo)


def check_depth(image: Image.Image) -> None:
    """Raise `InputError` for a deep JPEG 2000 file in colour that is not yet decoded.

    Pillow rounds its values to 8 bits, and white becomes black.
    """
    file = getattr(image, "fp", None)
    if image.format != "JPEG2000" or image.mode not in CUT_MODES or file is None:
        return
    if (depth := jpeg2000_depth(file)) > 8:
        raise InputError(
            f"expected 8 bits for each colour of a JPEG 2000 file, got {depth}, of which Pillow "
            "reads other values; save it as PNG or TIFF"
        )


def check_bands(image: Image.Image) -> None:
    """Raise `InputError` for a file of which Pillow reads other values than it has."""
    if _is_misread(image):
        raise InputError(
            "expected the bands of a pixel side by side: of a TIFF file of 16 bits with a plane "
            "for each band, Pillow reads other values; save it with compression, or as PNG"
        )
    if image.mode not in DEEP_MODES and SIGNED in _values_of(image, SAMPLE_FORMAT):
        raise InputError(f"expected integers from 0 to 255, got signed ones of 8 bits; {_SCALE}")


def is_cut(image: Image.Image) -> bool:
    """Return whether Pillow keeps 8 of the 16 bits of a colour image that is not yet decoded."""
    layouts = [tile[3] for tile in getattr(image, "tile", ())] if image.mode in CUT_MODES else []
    if image.format == "PPM":  # the largest value is in the layout
        return any(isinstance(layout[-1], int) and layout[-1] > 255 for layout in layouts)
    return any(DEEP_RAW.search(str(layout)) for layout in layouts)


def check_cut(image: Image.Image) -> None:
    """Check a decoded image of which Pillow kept the upper 8 of 16 bits.

    Raises:
        InputError: Its colours or its transparency do not fill the range of 16 bits, as values of
            12 bits do not. A picture without an opaque pixel would be white.
    """
    extrema: Any = image.getextrema()  # a pair for each band
    tops = dict(zip(image.getbands(), (int(high) for _, high in extrema), strict=True))
    alphas = {band: tops.pop(band) for band in ALPHA_BANDS if band in tops}
    for kind, highest in (("colours", tops), ("values of transparency (alpha)", alphas)):
        if highest and (top := max(highest.values())) <= 255 * DARKEST_SHARE:
            raise InputError(
                f"expected {kind} that fill the range 0 to 65535 of 16 bits, got values up to at "
                f"most {256 * top + 255}; {_SCALE}"
            )
    key = image.info.get("transparency")
    if isinstance(key, tuple):  # the transparent colour, in 16 bits
        image.info["transparency"] = tuple(value >> 8 for value in key)


def planes_of_array(array: NDArray[np.generic], channels: int) -> Photo:
    """Convert an array (h, w), (h, w, c) or (c, h, w) to a photo."""
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or 0 in array.shape:
        raise InputError(f"expected an image (h, w), (h, w, c) or (c, h, w), got {array.shape}")
    if array.shape[0] == channels and array.shape[2] != channels:
        array = array.transpose(1, 2, 0)
    if array.shape[2] == 1 and channels == 3:
        array = array.repeat(3, axis=2)
    if array.shape[2] != channels:
        raise InputError(f"expected {channels} channels, got an array of shape {array.shape}")
    if array.dtype.kind not in "biuf":
        raise InputError(f"expected integers or floats in [0, 1], got {array.dtype}")
    white = white_of(array.dtype, *_extrema(array))
    photo = np.empty((channels, *array.shape[:2]), np.float32)
    step = max(1, STRIP_PIXELS // array.shape[1])
    for top in range(0, len(array), step):
        rows = array[top : top + step].transpose(2, 0, 1)
        photo[:, top : top + step] = rows.astype(np.float64) / white
    return torch.from_numpy(photo)


def white_of(dtype: np.dtype[Any], low: float, high: float) -> float:
    """Return the value of white in an array of this type, whose values are from `low` to `high`.

    Floats are in [0, 1]. White is the largest value of an integer type, unless all values were
    black then, as for 0..255 in 64 bits, or negative ones were lost.

    Raises:
        InputError: Values would be clipped or black; the message says how to convert them.
    """
    values = f"got {dtype} from {low:.6g} to {high:.6g}"
    if dtype.kind == "b":
        return 1.0
    if dtype.kind in "iu":
        white = int(np.iinfo(dtype).max)
        darkest = white * DARKEST_SHARE if dtype.itemsize > 1 else DARKEST_BYTE
        if low < 0 or 0 < high <= darkest:
            mend = "convert them to 8 bits" if low >= 0 and high <= 255 else _SCALE
            mend = mend if dtype.itemsize > 1 or low < 0 else "multiply them by 255?"
            raise InputError(
                f"expected integers that fill the range 0 to {white} of their type, {values}; "
                f"{mend}"
            )
        return float(white)
    if not (low >= 0 and high <= 1):  # also refuses NaN
        finite = np.isfinite(low) and np.isfinite(high)
        mend = "divide by 255?" if low >= 0 and 1 < high <= 255 else _SCALE
        raise InputError(
            f"expected floats in [0, 1], {values}; {mend if finite else 'replace these pixels'}"
        )
    return 1.0


_SCALE = "scale them: (x - low) / (high - low), with one low and high for all photos"


def _white_of_deep(image: Image.Image) -> float:
    """Return the value of white in an image with more than 8 bits; mode I often holds 16 bits."""
    ends = [_extrema(np.asarray(strip)) for _, strip in strips_of(image)]
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    if any(np.isnan(low) for low, _ in ends):
        low = high = np.nan
    dtype: Any = {"F": np.float32, "I": np.int32}.get(image.mode, np.uint16)
    if image.mode == "I" and _is_signed_16(image):
        dtype = np.int16
    elif image.mode == "I" and low >= 0 and high <= 65535:
        dtype = np.uint16
    return white_of(np.dtype(dtype), low, high)


def _is_signed_16(image: Image.Image) -> bool:
    """Return whether a TIFF file holds signed integers of 16 bits."""
    return SIGNED in _values_of(image, SAMPLE_FORMAT) and 16 in _values_of(image, DEPTHS)


def has_white_zero(image: Image.Image) -> bool:
    """Return whether 0 is white in a deep TIFF file; Pillow inverts those of 8 bits alone."""
    return bool(getattr(image, "tag_v2", {}).get(PHOTOMETRIC) == WHITE_IS_ZERO)


def _is_misread(image: Image.Image) -> bool:
    """Return whether Pillow takes each byte of 16 bits for a pixel of its own."""
    return (
        APART in _values_of(image, PLANES)
        and UNCOMPRESSED in _values_of(image, COMPRESSION)
        and any(isinstance(depth, int) and depth > 8 for depth in _values_of(image, DEPTHS))
    )


def _values_of(image: Image.Image, tag: int) -> tuple[object, ...]:
    """Return the values of a tag of a TIFF file; none for another file."""
    values = getattr(image, "tag_v2", {}).get(tag, ())
    return values if isinstance(values, tuple) else (values,)


def _extrema(array: NDArray[np.generic]) -> tuple[float, float]:
    return float(array.min()), float(array.max())  # both are NaN if any value is


def strips_of(image: Image.Image) -> Any:
    """Yield the first row and the image of each strip of an even number of rows."""
    step = max(2, STRIP_PIXELS // max(1, image.width) // 2 * 2)
    for top in range(0, image.height, step):
        yield top, image.crop((0, top, image.width, min(top + step, image.height)))


def _opaque(image: Image.Image, channels: int) -> Image.Image:
    """Return an image in grey or RGB; transparent pixels are blended with white."""
    if image.mode in ALPHA_MODES or "transparency" in image.info:
        if image.mode in {"La", "RGBa"}:
            image = image.convert(image.mode.upper())
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    if image.mode == "LAB":  # Pillow converts it to no other mode
        image = image.convert("RGB")
    return image.convert("L" if channels == 1 else "RGB")


def as_stored(photo: NDArray[Value], orientation: int) -> NDArray[Value]:
    """Return a view of an upright photo in which rows and columns are as the file stores them."""
    turned = photo.swapaxes(1, 2) if orientation >= 5 else photo
    down = -1 if orientation in {3, 4, 6, 7} else 1
    right = -1 if orientation in {2, 3, 7, 8} else 1
    return turned[:, ::down, ::right]
