"""Crop and resize photos to a classifier's input, and project maps back onto photos."""

from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Literal, NamedTuple, get_args

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from unsee.errors import InputError, shown, unknown
from unsee.saliency import base_level
from unsee.types import Images

Photo = Float[Tensor, "c height width"]
"""A whole photo with pixels in [0, 1]."""


class Box(NamedTuple):
    """The crop that the classifier gets, in pixels of the photo."""

    top: int
    left: int
    height: int
    width: int


Fit = Literal["crop", "resize", "resize_crop"]
"""Fit of a photo to the input: a centre crop in the input's proportions, the whole photo with
changed proportions, or a centre crop in the photo's proportions, which are changed."""

Interpolation = Literal["bicubic", "bilinear", "nearest"]
"""Resampling filter."""

MAX_PIXELS = 2**26
"""Number of pixels of the largest input."""
DEFAULT_SIZE = 224, 224
"""Height and width of the input of a classifier that states none, as ImageNet's networks have."""
IMAGENET_SHARE = 0.875
"""Share of the photo that networks of ImageNet of `DEFAULT_SIZE` are usually evaluated on."""


@dataclass(frozen=True)
class Framing:
    """A centre crop followed by one antialiased resize; maps can be projected back."""

    size: tuple[int, int] = DEFAULT_SIZE
    """Height and width of the classifier's input."""
    fit: Fit = "crop"
    """`crop` cuts out the centre in the input's proportions; `resize` changes the proportions of
    the whole photo; `resize_crop` cuts out the centre in the photo's proportions and changes them,
    as networks do that resize to a square and then crop."""
    share: float | None = None
    """Side of the centre crop as a share of the largest crop that fits; not for `fit="resize"`.
    None: nobody stated one, see `resolved`."""
    interpolation: Interpolation = "bicubic"
    """Resampling filter of the resize; `nearest` leaves out pixels, the others average them."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", _checked_size(self.size))
        for name, value, choices in (
            ("fit", self.fit, get_args(Fit)),
            ("interpolation", self.interpolation, get_args(Interpolation)),
        ):
            if value not in choices:
                raise unknown(name, value if isinstance(value, str) else shown(value), choices)
        if self.share is not None:
            object.__setattr__(self, "share", _checked_share(self.share))

    def resolved(self, height: int, width: int) -> "Framing":
        """Return the framing of photos of this size, with a number as its share.

        A share that nobody stated is 1, which crops no more than the proportions of the input
        need. Only for the default input it is 0.875, as for networks of ImageNet, unless the photo
        already has the size of the input.
        """
        if self.share is not None:
            return self
        is_cropped = self.size == DEFAULT_SIZE != (height, width)
        return replace(self, share=IMAGENET_SHARE if is_cropped else 1.0)

    def box(self, height: int, width: int) -> Box:
        """Return the part of a photo of this size that becomes the input."""
        share = self.resolved(height, width).share
        if self.fit == "resize" or share is None:
            return Box(0, 0, height, width)
        rows, columns = self.size
        if self.fit == "resize_crop":
            sides = share * height, share * width
        elif share == 1:  # in whole numbers: a rounding error would cost a pixel
            sides = min(height, width * rows // columns), min(width, height * columns // rows)
        else:
            scale = share * min(height / rows, width / columns)
            sides = scale * rows, scale * columns
        crop = max(1, int(sides[0])), max(1, int(sides[1]))
        return Box((height - crop[0]) // 2, (width - crop[1]) // 2, *crop)

    def show(self, photo: Photo) -> Images:
        """Return the classifier's input (1, c, h, w) for a photo."""
        top, left, height, width = self.box(*photo.shape[-2:])
        part = photo[None, :, top : top + height, left : left + width]
        if part.shape[-2:] == self.size:
            return part.contiguous()
        if self.interpolation == "nearest":
            return F.interpolate(part, self.size, mode="nearest-exact")
        return F.interpolate(
            part, self.size, mode=self.interpolation, antialias=True, align_corners=False
        ).clamp(0, 1)

    def boxes(self, boxes: Float[Tensor, "n 4"], height: int, width: int) -> Float[Tensor, "n 4"]:
        """Transform boxes (x1, y1, x2, y2) from a photo of this size to pixels of the input.

        Boxes are clipped to the input; a box that lies outside of it has no area.
        """
        top, left, rows, columns = self.box(height, width)
        scale = boxes.new_tensor([self.size[1] / columns, self.size[0] / rows] * 2)
        scaled = (boxes - boxes.new_tensor([left, top] * 2)) * scale
        limit = boxes.new_tensor([self.size[1], self.size[0]] * 2)
        return torch.minimum(scaled.clamp(min=0), limit)

    def mask(self, mask: Bool[Tensor, "height width"]) -> Bool[Tensor, "_h _w"]:
        """Transform a mask of the photo to the input's size by nearest-neighbour sampling.

        A mask that is smaller or larger than its photo needs the framing that is `resolved` for
        the photo.
        """
        return self._nearest(mask.float()) > 0.5

    def labels(self, labels: Int[Tensor, "height width"]) -> Int[Tensor, "_h _w"]:
        """Transform a label map of the photo to the input's size, as `mask` does."""
        return self._nearest(labels.double()).long()

    def _nearest(self, values: Float[Tensor, "height width"]) -> Float[Tensor, "_h _w"]:
        top, left, rows, columns = self.box(*values.shape)
        part = values[top : top + rows, left : left + columns]
        return F.interpolate(part[None, None], self.size, mode="nearest-exact")[0, 0]

    def back(
        self, saliency: Float[Tensor, "h w"], height: int, width: int
    ) -> Float[Tensor, "{height} {width}"]:
        """Project a map onto a photo of this size.

        Pixels outside of the crop, which the classifier does not get, have the map's value for no
        evidence: zero if the map has values on both sides of it, and otherwise its minimum.
        """
        top, left, rows, columns = self.box(height, width)
        whole = torch.full((height, width), base_level(saliency), dtype=saliency.dtype)
        whole[top : top + rows, left : left + columns] = F.interpolate(
            saliency[None, None].cpu(), (rows, columns), mode="bilinear", align_corners=False
        )[0, 0]
        return whole


def _checked_share(share: float) -> float:
    """Return a share as a float; raise `InputError` if it is something else."""
    is_number = isinstance(share, Real) and not isinstance(share, bool)
    if not is_number or not 0 < share <= 1:
        raise InputError(f"expected share > 0 and <= 1, got {shown(share)}")
    return float(share)  # numbers of numpy are no JSON


def _checked_size(size: object) -> tuple[int, int]:
    """Return a height and a width in pixels; raise `InputError` if it is something else."""
    sides = tuple(size) if isinstance(size, tuple | list) else ()
    whole = [int(s) for s in sides if isinstance(s, Integral) and not isinstance(s, bool)]
    if not len(sides) == len(whole) == 2 or min(whole) < 1:
        raise InputError(f"expected size=(height, width) in pixels, got {shown(size)}")
    height, width = whole
    if height * width > MAX_PIXELS:
        raise InputError(f"expected a size of at most {MAX_PIXELS:,} pixels, got {shown(size)}")
    return height, width
