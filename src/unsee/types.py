"""The shapes that appear in signatures.

Axes: b images, k masks of each image, n = b * k rows of a flat batch, c channels, h by w pixels,
gh by gw cells of a mask's grid.
"""

from jaxtyping import Float, Int
from torch import Tensor

Images = Float[Tensor, "b c h w"]
"""Pixel values in [0, 1]; nothing outside `Classifier` knows about normalisation."""

Variants = Float[Tensor, "n c h w"]
"""Perturbed images, all masks of all images in one flat batch."""

Backgrounds = Float[Tensor, "n c h w"]
"""What shows through removed pixels, one for each variant."""

Keep = Float[Tensor, "b k 1 gh gw"]
"""1 keeps a pixel, 0 replaces it. The grid may be coarser than the image."""

FlatKeep = Float[Tensor, "n 1 h w"]
"""Masks of a flat batch, at the image's size."""

Targets = Int[Tensor, " b"]
"""A class index for each image."""

Scores = Float[Tensor, "b k"]
"""One number for each mask of each image."""

Losses = Float[Tensor, " b"]
"""One number for each image."""

Theta = Float[Tensor, "b ..."]
"""What an optimiser moves: the parameters of each image's masks."""

Size = tuple[int, int]
"""Height and width of an image in pixels."""

Saliency = Float[Tensor, "b h w"]
"""Higher is more important."""
