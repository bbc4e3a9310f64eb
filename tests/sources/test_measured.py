"""Preprocessing of other libraries, measured on test pictures."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter

from unsee import InputError
from unsee.images import reading
from unsee.images.framing import Framing
from unsee.sources._measured import SIZES, measure

MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
FILTER = Image.Resampling


def normalised(picture, mean=MEAN, std=STD, factor=1 / 255):
    values = np.atleast_3d(np.asarray(picture)) * factor
    return torch.from_numpy(((values - mean) / std).transpose(2, 0, 1).astype(np.float32))


def resized(picture, sides, kind=FILTER.BILINEAR):
    return picture.resize(sides[::-1], kind)


def cropped(picture, rows, columns):
    left, top = (picture.width - columns) // 2, (picture.height - rows) // 2
    return picture.crop((left, top, left + columns, top + rows))


def shortest(picture, side, kind=FILTER.BICUBIC):
    scale = side / min(picture.size)
    return picture.resize([round(scale * length) for length in picture.size], kind)


def crop(picture):
    return normalised(cropped(shortest(picture, 72), 64, 64))


def squeeze(picture):
    return normalised(resized(picture, (48, 80)))


def squeeze_then_crop(picture):
    return normalised(cropped(resized(picture, (72, 72)), 64, 64))


def crop_then_resize(picture):
    side = round(0.875 * min(picture.size))
    return normalised(resized(cropped(picture, side, side), (64, 64)))


def nearest(picture):
    return normalised(resized(picture, (64, 64), FILTER.NEAREST))


def blue_first(picture):
    return normalised(resized(picture, (64, 64))).flip(0)


def grey_levels(picture):
    return normalised(resized(picture, (64, 64)), 0, 1, 1)


def from_minus_one(picture):
    return normalised(resized(picture, (64, 64)), 1, 1, 1 / 127.5)


SUPPORTED = {
    crop: (MEAN, STD, False, Framing((64, 64), "crop", 64 / 72, "bicubic")),
    squeeze: (MEAN, STD, False, Framing((48, 80), "resize", 1, "bilinear")),
    squeeze_then_crop: (MEAN, STD, False, Framing((64, 64), "resize_crop", 64 / 72, "bilinear")),
    crop_then_resize: (MEAN, STD, False, Framing((64, 64), "crop", 64 / 73, "bilinear")),
    nearest: (MEAN, STD, False, Framing((64, 64), "resize", 1, "nearest")),
    blue_first: (MEAN, STD, True, Framing((64, 64), "resize", 1, "bilinear")),
    grey_levels: ([0] * 3, [0.00392157] * 3, False, Framing((64, 64), "resize", 1, "bilinear")),
    from_minus_one: ([0.5] * 3, [0.5] * 3, False, Framing((64, 64), "resize", 1, "bilinear")),
}


@pytest.mark.parametrize("process", SUPPORTED, ids=lambda process: process.__name__)
def test_preprocessing_is_measured(process) -> None:
    mean, std, reverse, framing = SUPPORTED[process]
    seen = measure(process, 3, "net:x")
    assert seen.mean == pytest.approx(mean, abs=1e-6)
    assert seen.std == pytest.approx(std, rel=1e-6)
    assert (seen.reverse, seen.framing) == (reverse, framing)


def test_grey_pictures_have_one_channel() -> None:
    seen = measure(
        lambda picture: normalised(resized(picture, (28, 28)), 0.1307, 0.3081), 1, "net:x"
    )
    assert (seen.mean, seen.std, seen.framing.size) == ((0.1307,), (0.3081,), (28, 28))


def padded(picture):
    side = max(picture.size)
    square = Image.new("RGB", (side, side))
    square.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    return normalised(resized(square, (64, 64)))


def corner(picture):
    return normalised(shortest(picture, 72).crop((0, 0, 64, 64)))


def own_brightness(picture):
    pixels = normalised(resized(picture, (64, 64)), 0, 1)
    return (pixels - pixels.mean()) / (pixels.std() + 1e-6)


def grey_mix(picture):
    return normalised(resized(picture, (64, 64)).convert("L").convert("RGB"))


def gamma(picture):
    return normalised(resized(picture, (64, 64)), 0, 1) ** 2


def any_size(picture):
    return normalised(shortest(picture, 64))


def blurred(picture):
    return normalised(resized(picture.filter(ImageFilter.GaussianBlur(6)), (64, 64)))


def fixed_crop(picture):
    return normalised(cropped(picture, 96, 96))


def longest_padded(picture):
    """The shorter side becomes 96, or less if the longer one would exceed 240."""
    scale = min(96 / min(picture.size), 240 / max(picture.size))
    small = picture.resize([round(scale * length) for length in picture.size], FILTER.BICUBIC)
    return normalised(cropped(small, 96, 96))


def broken(picture):
    raise KeyError("no such size\nand more")


def exits(picture):
    raise SystemExit(0)


@pytest.mark.parametrize(
    ("process", "words"),
    [
        (padded, "pads photos"),
        (corner, "not the centre"),
        (own_brightness, "more to the values"),
        (grey_mix, "more to the values"),
        (gamma, "more to the values"),
        (any_size, "size depends on the photo's"),
        (blurred, "a filter other than"),
        (fixed_crop, "no fixed share"),
        (longest_padded, "pads photos"),
        (broken, r"fails on a photo \(KeyError: 'no such size"),
        (exits, "fails on a photo"),
        (lambda picture: crop(picture)[0], r"an array \(64, 64\), not pixels \(3, rows"),
    ],
)
def test_other_preprocessing_is_refused_in_a_line(process, words) -> None:
    with pytest.raises(InputError, match=f"^net:x: its preprocessing .*{words}") as error:
        measure(process, 3, "net:x")
    assert "\n" not in str(error.value)
    assert "InputError" not in str(error.value)


@pytest.mark.parametrize(("edge", "side"), [(32, 28), (33, 32), (37, 32), (64, 57), (255, 224)])
def test_small_and_odd_sizes_are_measured(edge, side) -> None:
    def process(picture):
        return normalised(cropped(shortest(picture, edge), side, side))

    framing = measure(process, 3, "net:x").framing
    assert framing == Framing((side, side), "crop", side / edge, "bicubic")


def test_measured_pixels_are_within_the_documented_bound() -> None:
    seen = measure(crop, 3, "net:x")
    y, x = np.mgrid[:500, :700] / 700
    values = np.stack([0.3 + 0.4 * x, 0.6 - 0.3 * y, 0.2 + 0.5 * x * y], -1)
    picture = Image.fromarray(np.rint(255 * values).astype(np.uint8))
    shown = seen.framing.show(reading.from_array(picture))[0].numpy().transpose(1, 2, 0)
    ours = torch.from_numpy(((shown - MEAN) / STD).transpose(2, 0, 1))
    assert (ours - crop(picture)).abs().mean() < 1e-2
    assert len({height / width for height, width in SIZES}) == len(SIZES)
