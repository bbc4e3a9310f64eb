"""Measure the preprocessing of another library on test pictures.

A configuration is read differently by each class of image processors: the same `size` squeezes the
photo, crops it, or is enlarged before the crop. What a processor does to pictures is the same for
all of them, and is what the network was trained with.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from unsee.errors import InputError, as_input_error
from unsee.images import reading
from unsee.images.framing import Framing, Interpolation

Process = Callable[[Image.Image], Tensor]
"""Preprocessing: a function from a Pillow picture to normalised pixels (c, h, w)."""
Array = NDArray[np.float64]

SIZES = (640, 640), (960, 640), (400, 1280)
"""Heights and widths of the test pictures: square, tall and wide. Their shorter sides
differ, so that a crop of fixed size is seen, and one is over three times as wide as high, so that a
limit of the longer side is."""
TOLERANCE = 2.2e-3
"""Largest accepted mean difference of pixels in [0, 1]: 1e-2 in normalised units for the usual
standard deviation of 0.225. Half of it is rounding to 8 bits; the rest is the rounding of sizes and
offsets to whole pixels, because a processor resizes before it crops. Pixels of smaller inputs are
larger, and so is the bound."""
USUAL_SIDE = 224
"""Shorter side of the input for which `TOLERANCE` holds."""
SHARE_TOLERANCE = 0.01
"""Largest accepted difference between the shares of the photo seen in two test pictures, or a
pixel of the input."""
DARKEST, NOISE = 16, 4
"""Darkest grey level of a ramp out of 255, as much is left at its other end, and its noise."""
NOISE_TOLERANCE = 1.25
"""Largest accepted ratio between the noise that is left by a filter and by ours."""


@dataclass(frozen=True)
class Preprocessing:
    """Preprocessing in the terms of `Classifier`."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    reverse: bool
    """Whether the network takes blue first; `mean` and `std` are in the order red, green, blue."""
    framing: Framing


def measure(process: Process, channels: int, name: str) -> Preprocessing:
    """Return what a function does to pictures.

    Args:
        process: The preprocessing of another library.
        channels: Number of channels of its pictures, 1 or 3.
        name: Name of the classifier, for messages.

    Raises:
        InputError: It fails, or does something that `Classifier` cannot repeat; the message says
            what.
    """
    if channels not in {1, 3}:
        raise InputError(f"{name}: expected a network of 1 or 3 channels, got {channels}")
    try:
        with as_input_error("its preprocessing fails on a photo"):
            return _measure(process, channels)
    except InputError as error:
        raise error.prefixed(name) from error


def _measure(process: Process, channels: int) -> Preprocessing:
    mean, std, reverse = _colours(process, channels)

    def pixels(picture: Image.Image) -> Tensor:
        output = _run(process, picture)
        output = output.flip(0) if reverse else output
        return (
            output * output.new_tensor(std)[:, None, None] + output.new_tensor(mean)[:, None, None]
        )

    framing = _with_filter(pixels, _framing(pixels, channels), channels)
    bound = TOLERANCE * max(1, USUAL_SIDE / min(framing.size))
    for size in SIZES:
        picture = _smooth(size, channels)
        shown = framing.show(reading.from_array(picture))[0]
        difference = (shown - pixels(picture)).abs().mean().item()
        if not difference <= bound:
            raise _other(f"differs from a crop, a resize and a mean by {difference:.2g} of 1")
    return Preprocessing(mean, std, reverse, framing)


def _colours(process: Process, channels: int) -> tuple[tuple[float, ...], tuple[float, ...], bool]:
    """Return mean, standard deviation and order of the channels, from pictures of one colour."""
    black, *primaries = (
        _centre(process, colour) for colour in (np.zeros(channels), *255 * np.eye(channels))
    )
    scales = np.stack(primaries, 1) - black[:, None]  # row: channel of the network
    reverse = bool(channels == 3 and abs(scales[0, 2]) > abs(scales[0, 0]))
    if reverse:
        scales, black = scales[::-1], black[::-1]
    scale = np.diag(scales)
    others = np.abs(scales - np.diag(scale)).max()
    grey = _centre(process, np.full(channels, 51.0))[:: -1 if reverse else 1]
    expected = black + scale * 51 / 255
    bound = 1e-3 * np.abs(scales).max()
    if not (scale > 1e-6).all() or others > bound or np.abs(grey - expected).max() > bound:
        raise _other("does more to the values than subtract a mean and divide")
    return _neat(-black / scale), _neat(1 / scale), reverse


def _framing(pixels: Callable[[Image.Image], Tensor], channels: int) -> Framing:
    """Return the part of the photo that is seen, and its size, from pictures of ramps."""
    outputs = [
        [pixels(_ramp(size, axis, channels))[0].double().mean(1 - axis).numpy() for axis in (0, 1)]
        for size in SIZES
    ]
    sides = {(len(vertical), len(horizontal)) for vertical, horizontal in outputs}
    if len(sides) > 1:
        raise _other("makes inputs whose size depends on the photo's")
    rows, columns = sides.pop()
    shares = np.array([[_share(values) for values in pair] for pair in outputs])
    tolerance = max(SHARE_TOLERANCE, 1 / min(rows, columns))
    if np.ptp(shares) < tolerance:
        share = _neat_share(rows, shares.mean())
        return Framing((rows, columns), "resize" if share == 1 else "resize_crop", share)
    scales = (
        shares * np.array(SIZES) / (rows, columns)
    )  # pixels of the photo per pixel of the input
    crops = scales / np.min(np.array(SIZES) / (rows, columns), 1, keepdims=True)
    if np.ptp(crops) < tolerance:
        return Framing((rows, columns), "crop", _neat_share(rows, crops.mean()))
    raise _other("pads photos, or cuts out a part that is no fixed share of them")


def _ramp(size: tuple[int, int], axis: int, channels: int) -> Image.Image:
    """Return a picture whose brightness rises along an axis, with noise: rounding averages out."""
    ramp = DARKEST + (255 - 2 * DARKEST) * (np.arange(size[axis]) + 0.5) / size[axis]
    noise = np.random.default_rng(0).uniform(-NOISE, NOISE, size)
    return _picture(noise + (ramp[:, None] if axis == 0 else ramp), channels)


def _share(values: Array) -> float:
    """Return the share of a ramp that is seen; it must be the centre."""
    count = len(values)
    inner = slice(count // 10, count - count // 10)
    position = (values[inner] * 255 - DARKEST) / (255 - 2 * DARKEST)
    slope, start = np.polyfit(np.arange(count)[inner] + 0.5, position, 1)
    end = start + slope * count
    tolerance = max(SHARE_TOLERANCE, 1 / count)
    if start < -tolerance or end > 1 + tolerance:
        raise _other("pads photos")
    if abs(start + end - 1) > 2 * tolerance:
        raise _other("cuts out a part that is not the centre")
    return float(end - start)


def _with_filter(
    pixels: Callable[[Image.Image], Tensor], framing: Framing, channels: int
) -> Framing:
    """Return the framing with the filter that leaves as much noise after a resize to a third."""
    height, width = (round(3 * side / (framing.share or 1)) for side in framing.size)
    picture = _picture(np.random.default_rng(0).uniform(64, 192, (height, width)), channels)
    theirs, photo = pixels(picture).std().item(), reading.from_array(picture)
    choices = [replace(framing, interpolation=name) for name in get_args(Interpolation)]
    ratios = [theirs / choice.show(photo).std().item() for choice in choices]
    ratio, choice = min(zip(ratios, choices, strict=True), key=lambda pair: abs(math.log(pair[0])))
    if not 1 / NOISE_TOLERANCE < ratio < NOISE_TOLERANCE:
        raise _other("resizes photos with a filter other than bilinear, bicubic or nearest")
    return choice


def _smooth(size: tuple[int, int], channels: int) -> Image.Image:
    """Return a picture whose brightness and colours change slowly, in each direction."""
    y, x = np.meshgrid(*(np.linspace(0, 1, side) for side in size), indexing="ij")
    planes = [0.2 + 0.5 * x + 0.2 * y**2, 0.8 - 0.5 * y - 0.2 * x * y, 0.5 + 0.4 * (x - y)]
    return _picture(255 * np.stack(planes[:channels], -1), channels)


def _centre(process: Process, colour: Array) -> Array:
    """Return the middle pixel of the output for a picture of one colour."""
    output = _run(process, _picture(np.ones((*SIZES[0], 1)) * colour, len(colour)))
    return output[:, output.shape[1] // 2, output.shape[2] // 2].double().numpy()


def _picture(values: Array, channels: int) -> Image.Image:
    """Return a picture of values from 0 to 255 (h, w) or (h, w, channels)."""
    array = np.rint(values).astype(np.uint8)
    picture = Image.fromarray(array[..., 0] if array.shape[2:] == (1,) else array)
    return picture if channels == 1 else picture.convert("RGB")


def _run(process: Process, picture: Image.Image) -> Tensor:
    output = process(picture)
    channels = len(picture.getbands())
    if output.ndim != 3 or len(output) != channels:
        raise _other(
            f"returns an array {tuple(output.shape)}, not pixels ({channels}, rows, columns)"
        )
    return output.detach().to("cpu", torch.float32)


def _neat(values: Array) -> tuple[float, ...]:
    """Return numbers without the rounding errors of float32."""
    return tuple(float(f"{value:.6g}") if abs(value) > 1e-6 else 0.0 for value in values.tolist())


def _neat_share(side: int, share: float) -> float:
    """Return the share whose crop of `side` pixels comes from a photo of whole pixels."""
    return min(1.0, side / round(side / share))


def _other(what: str) -> InputError:
    return InputError(
        f"its preprocessing {what}, which cannot be repeated here; write a function that returns "
        "unsee.Classifier(model, mean, std, framing) and name it as package.module:function"
    )
