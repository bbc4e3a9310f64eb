"""Write films of maps that form: GIF with Pillow, MP4 with OpenCV."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from unsee.errors import InputError, as_input_error, printable
from unsee.images.drawing import (
    BACKGROUND_COLOUR,
    MUTED_COLOUR,
    TEXT_COLOUR,
    Pixels,
    overlay,
    to_pixels,
)
from unsee.storage.files import exists
from unsee.types import Images

SIDE = 280
"""Least width of a photo in a frame, in pixels; smaller ones are enlarged."""
HEAD, FOOT, GAP = 34, 14, 8
"""Height of the line with the class, height of the line of progress, and margins, in pixels."""
PAUSE = 1.5
"""Seconds for which the last frame stays."""
MP4_RATE = 25
"""Frames of an MP4 file in a second; maps are repeated."""
SUFFIXES = (".gif", ".mp4")


def animate(
    path: str | Path,
    images: Images,
    frames: Float[Tensor, "n b h w"],
    names: Sequence[str],
    *,
    seconds: float,
    overwrite: bool,
) -> Path:
    """Write a film of maps over their photos; for its arguments see `Explanation.animate`."""
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path}: expected a file that ends in {' or '.join(SUFFIXES)}")
    if not 0 < seconds <= 3600:
        raise InputError(f"expected a duration of 0 to 3600 seconds, got {seconds:g}")
    if exists(path) and not overwrite:
        raise InputError(f"{path} exists; pass overwrite=True to replace it")
    pictures = [
        _frame(images, maps, names, (number + 1) / len(frames))
        for number, maps in enumerate(frames)
    ]
    with as_input_error(f"{path}: cannot be written"):
        write = _write_gif if path.suffix.lower() == ".gif" else _write_mp4
        write(path, pictures, seconds)
    return path


def _frame(
    images: Images, maps: Float[Tensor, "b h w"], names: Sequence[str], progress: float
) -> Image.Image:
    """Draw the photos above their maps, the classes, and how much of the run is done."""
    height, width = images.shape[-2:]
    scale = max(1, round(SIDE / width))
    column, row = scale * width + GAP, scale * height + GAP
    size = (GAP + column * len(images), HEAD + 2 * row + FOOT)
    canvas = Image.new("RGB", (size[0] + size[0] % 2, size[1] + size[1] % 2), BACKGROUND_COLOUR)
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(16)
    for i, (image, name) in enumerate(zip(images, names, strict=True)):
        left = GAP + i * column
        draw.text((left, 9), _fitting(printable(name), font, column - GAP), TEXT_COLOUR, font)
        for top, pixels in enumerate((to_pixels(image), overlay(image, maps[i]))):
            picture = Image.fromarray(pixels).resize(
                (scale * width, scale * height), Image.Resampling.BICUBIC
            )
            canvas.paste(picture, (left, HEAD + top * row))
    bottom, length = HEAD + 2 * row + 2, size[0] - 2 * GAP
    draw.rectangle((GAP, bottom, GAP + length, bottom + 3), "#e3e6ec")
    draw.rectangle((GAP, bottom, GAP + round(length * progress), bottom + 3), MUTED_COLOUR)
    return canvas


def _fitting(text: str, font: ImageFont.ImageFont | ImageFont.FreeTypeFont, width: float) -> str:
    """Return a text, cut to a width in pixels."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}…") > width:
        text = text[:-1]
    return f"{text}…"


def _write_gif(path: Path, pictures: list[Image.Image], seconds: float) -> None:
    each = max(20, round(1000 * seconds / len(pictures)))
    durations = [each] * len(pictures)
    durations[-1] += round(1000 * PAUSE)
    first, *rest = (
        picture.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        for picture in pictures
    )
    first.save(
        path, "GIF", save_all=True, append_images=rest, duration=durations, loop=0, disposal=1
    )


def _write_mp4(path: Path, pictures: list[Image.Image], seconds: float) -> None:
    import cv2

    size = pictures[0].size
    film = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), MP4_RATE, size)
    if not film.isOpened():
        raise OSError("OpenCV cannot write MP4 files here; write a GIF")
    try:
        for number in range(round((seconds + PAUSE) * MP4_RATE)):
            place = int(number / (seconds * MP4_RATE) * len(pictures))
            pixels: Pixels = np.asarray(pictures[min(place, len(pictures) - 1)])
            film.write(np.ascontiguousarray(pixels[..., ::-1]))
    finally:
        film.release()
