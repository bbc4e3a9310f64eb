"""The picture that shows how far a generator has come."""

from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor


@torch.no_grad()
def grid(
    painter: Any, x: Float[Tensor, "n 3 h w"], keep: Float[Tensor, "n 1 h w"], path: Path
) -> None:
    """A row for each photo: what is known, the middle answer, two others, the truth."""
    g = torch.Generator().manual_seed(0)
    noises = [torch.randn(len(x), painter.noise, generator=g).to(x.device) for _ in range(2)]
    others = [painter(x, keep, noise) for noise in noises]
    columns = [x * keep + 0.5 * (1 - keep), painter(x, keep), *others, x]
    rows = [torch.cat(list(row), 2) for row in zip(*columns, strict=True)]
    pixels = (torch.cat(rows, 1).clamp(0, 1) * 255).byte().permute(1, 2, 0).cpu().numpy()
    Image.fromarray(pixels).save(path, quality=85)
