"""Networks whose answer depends on planted squares: segmenter, embedding, network of clips."""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

SIZE = 32
LEFT, RIGHT = (slice(4, 12), slice(3, 11)), (slice(18, 26), slice(20, 28))
"""Rows and columns of the red squares."""
CORNER = (slice(22, 30), slice(3, 11))
"""Rows and columns of the blue square."""
RED, BLUE = (245, 15, 15), (15, 15, 245)
FLASH = 5
"""Frame of the clip with a red square, at `RIGHT`."""
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def pixels(x: Tensor) -> Tensor:
    """Return normalised pictures (n, 3, ...) as pixels in [0, 1]."""
    shape = (3, *[1] * (x.ndim - 2))
    return x * x.new_tensor(STD).view(shape) + x.new_tensor(MEAN).view(shape)


def colours(x: Tensor) -> Tensor:
    """Return how red and how blue pictures (n, 3, h, w) are, (n, 2, h, w)."""
    x = pixels(x)
    return F.relu(x[:, [0, 2]] - x[:, [1, 1]] - 0.2)


class Segmenter(nn.Module):
    """Class 1 where a neighbourhood is red."""

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (n, 2, h, w)."""
        red = 10 * (F.avg_pool2d(colours(x)[:, :1], 5, 1, 2) - 0.3)
        return torch.cat([-red, red], 1)


class Embed(nn.Module):
    """The mean red and the mean blue of a picture."""

    def forward(self, x: Tensor) -> Tensor:
        """Return embeddings (n, 2)."""
        return colours(x).mean((2, 3)) + 0.01


class ClipNetwork(nn.Module):
    """Class 1 where a frame has much red."""

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (n, 2) of clips (n, 3, t, h, w)."""
        red = colours(x.transpose(1, 2).flatten(0, 1))[:, 0].mean((1, 2)).view(len(x), -1)
        logit = 100 * (red.sum(1, keepdim=True) - 0.02)
        return torch.cat([-logit, logit], 1)


def grey_photo() -> np.ndarray:
    """Return a noisy grey photo (h, w, 3)."""
    g = np.random.default_rng(0)
    return g.integers(110, 140, (SIZE, SIZE, 1), np.uint8).repeat(3, 2)


def names() -> dict[str, object]:
    """Return what the page expects a reader to have."""
    frames = np.stack([grey_photo()] * 8)
    frames[FLASH, *RIGHT] = RED
    clip = torch.from_numpy(frames).permute(3, 0, 1, 2) / 255
    return {
        "segmenter": Segmenter().eval(), "embed": Embed().eval(),
        "network": ClipNetwork().eval(), "clip": clip,
    }  # fmt: skip


def write_photos(folder: Path) -> None:
    """Write the photo with two red squares and a blue one, and the red reference."""
    street, reference = grey_photo(), grey_photo()
    street[LEFT], street[RIGHT], street[CORNER] = RED, RED, BLUE
    reference[10:20, 10:20] = BLUE
    Image.fromarray(street).save(folder / "street.png")
    Image.fromarray(reference).save(folder / "reference.png")
