"""How a photo of any size becomes a classifier's input, and how a map finds its way back."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from unsee.types import Images

Photo = Float[Tensor, "c height width"]
"""A whole photo, pixels in [0, 1]."""


class Box(NamedTuple):
    """The part of a photo that the classifier sees, in the photo's pixels."""

    top: int
    left: int
    height: int
    width: int


Fit = Literal["crop", "resize"]
"""How photos are brought to the size of a classifier's input."""


@dataclass(frozen=True)
class Framing:
    """Crop and resize, once, with antialiasing; invertible for maps."""

    size: tuple[int, int] = (224, 224)
    """Height and width of the classifier's input."""
    fit: Fit = "crop"
    """Cut out the centre in the input's proportions, or squeeze the whole photo into them."""
    share: float = 0.875
    """Side of the centre crop as a share of the largest one that fits (crop only)."""
    interpolation: Literal["bicubic", "bilinear"] = "bicubic"
    """Resampling filter."""

    def box(self, height: int, width: int) -> Box:
        """Which part of a photo of this size is shown."""
        if self.fit == "resize":
            return Box(0, 0, height, width)
        rows, columns = self.size
        scale = self.share * min(height / rows, width / columns)
        crop = max(1, int(scale * rows)), max(1, int(scale * columns))
        return Box((height - crop[0]) // 2, (width - crop[1]) // 2, *crop)

    def show(self, photo: Photo) -> Images:
        """The classifier's input (1, c, h, w) for a photo."""
        top, left, height, width = self.box(*photo.shape[-2:])
        part = photo[None, :, top : top + height, left : left + width]
        if part.shape[-2:] == self.size:
            return part.contiguous()
        return F.interpolate(
            part, self.size, mode=self.interpolation, antialias=True, align_corners=False
        ).clamp(0, 1)

    def boxes(self, boxes: Float[Tensor, "n 4"], height: int, width: int) -> Float[Tensor, "n 4"]:
        """Boxes (x1, y1, x2, y2) of a photo of this size in the pixels of the input.

        What is cut off is cut off; a box that lies outside of the input has no area.
        """
        top, left, rows, columns = self.box(height, width)
        scale = boxes.new_tensor([self.size[1] / columns, self.size[0] / rows] * 2)
        moved = (boxes - boxes.new_tensor([left, top] * 2)) * scale
        limit = boxes.new_tensor([self.size[1], self.size[0]] * 2)
        return torch.minimum(moved.clamp(min=0), limit)

    def mask(self, mask: Bool[Tensor, "height width"]) -> Bool[Tensor, "_h _w"]:
        """A mask of the photo at the input's size, the nearest pixel of each."""
        top, left, rows, columns = self.box(*mask.shape)
        part = mask[top : top + rows, left : left + columns]
        shown = F.interpolate(part[None, None].float(), self.size, mode="nearest-exact")
        return shown[0, 0] > 0.5

    def back(
        self, saliency: Float[Tensor, "h w"], height: int, width: int
    ) -> Float[Tensor, "{height} {width}"]:
        """Lay a map over the whole photo; what the classifier never saw gets the map's minimum."""
        top, left, rows, columns = self.box(height, width)
        whole = torch.full((height, width), saliency.min().item(), dtype=saliency.dtype)
        whole[top : top + rows, left : left + columns] = F.interpolate(
            saliency[None, None].cpu(), (rows, columns), mode="bilinear", align_corners=False
        )[0, 0]
        return whole
