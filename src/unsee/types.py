"""Tensor types of signatures.

Axes: b images, k masks per image, n = b * k rows of a flat batch, c channels, h by w pixels,
gh by gw cells of a mask's grid.
"""

from jaxtyping import Float, Int
from torch import Tensor

Images = Float[Tensor, "b c h w"]
"""Pixel values in [0, 1]; `Classifier` normalises them."""

Variants = Float[Tensor, "n c h w"]
"""Perturbed images: all masks of all images in one flat batch."""

Backgrounds = Float[Tensor, "n c h w"]
"""Replacement pixels, one background per variant."""

Keep = Float[Tensor, "b k 1 gh gw"]
"""Masks: 1 keeps a pixel, 0 replaces it. The grid may be coarser than the image."""

FlatKeep = Float[Tensor, "n 1 h w"]
"""Masks of a flat batch, at the image's size."""

Targets = Int[Tensor, " b"]
"""Class index of each image."""

Scores = Float[Tensor, "b k"]
"""Score of each mask of each image."""

Losses = Float[Tensor, " b"]
"""Loss of each image."""

Theta = Float[Tensor, "b ..."]
"""Optimised parameters of each image's masks."""

Size = tuple[int, int]
"""Height and width in pixels."""

Saliency = Float[Tensor, "b h w"]
"""Saliency maps; higher is more important."""
