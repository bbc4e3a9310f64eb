"""Preview pictures of an in-filling network during training."""

from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

JPEG_QUALITY = 85
"""Quality of the preview, from 0 to 100."""


@torch.no_grad()
def save_grid(
    painter: Any, x: Float[Tensor, "n 3 h w"], keep: Float[Tensor, "n 1 h w"], path: Path
) -> None:
    """Save a picture with one row per photo and four columns.

    The columns are the visible pixels, two results with different noise, and the original photo.
    """
    g = torch.Generator().manual_seed(0)
    shape = painter.noise_shape(tuple(x.shape[-2:]))
    noises = [torch.randn(len(x), *shape, generator=g).to(x) for _ in range(2)]
    columns = [x * keep + 0.5 * (1 - keep), *(painter(x, keep, noise) for noise in noises), x]
    rows = [torch.cat(list(row), 2) for row in zip(*columns, strict=True)]
    pixels = (torch.cat(rows, 1).clamp(0, 1) * 255).byte().permute(1, 2, 0).cpu().numpy()
    Image.fromarray(pixels).save(path, quality=JPEG_QUALITY)
