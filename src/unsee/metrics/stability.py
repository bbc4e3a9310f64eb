"""Stability: whether a small change of the image or of the seed leaves the map as it is."""

from dataclasses import dataclass, replace
from io import BytesIO
from typing import ClassVar, Literal

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from unsee.errors import InputError
from unsee.masking.score import MaskedScore
from unsee.metrics._similarity import similarities
from unsee.metrics.base import Context, Metric
from unsee.types import Images, Saliency

__all__ = ["Stability"]

SIGMA = 0.02
"""Standard deviation of the noise, pixels being in [0, 1]."""
QUALITY = 90
"""Quality of the JPEG."""
MAX_SEED = 2**63
"""Number above all seeds."""


@dataclass(frozen=True)
class Stability(Metric):
    """Rank correlation of the map with the method's map after a small change.

    Spearman's correlation over the pixels; equal values share their mean rank. The method explains
    the same class again. Rates the method, which computes the further map. In [-1, 1]; 1 if the
    order of the pixels remains, 0 if one of the maps is constant.

    Reference: Ghorbani et al., 2019, Interpretation of neural networks is fragile, AAAI,
    https://arxiv.org/abs/1710.10547, for the rank correlation.
    """

    libraries: ClassVar[tuple[str, ...]] = ("scipy.stats",)

    higher_is_better: ClassVar[bool] = True
    ranks_maps: ClassVar[bool] = False
    needs_method: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    change: Literal["seed", "noise", "shift", "jpeg"] = "noise"
    """Change: another seed of the method (seed); Gaussian noise of standard deviation 0.02, pixels
    being in [0, 1] (noise); a shift by one pixel to the right, which is undone on the map (shift);
    or a JPEG of quality 90 (jpeg). The last three keep the random numbers of the image."""

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Return the correlation of each map."""
        if self.change == "seed":
            seeds = [(seed + 1) % MAX_SEED for seed in score.seeds]
            other = context.attribute(replace(score, seeds=seeds))
        else:
            other = context.attribute(replace(score, images=self._changed(score)))
        if self.change == "shift":  # the first column is new, and the last one has left
            saliency, other = saliency[..., :-1], other[..., 1:]
        return saliency.new_tensor(similarities(saliency, other, "spearman"))

    def _changed(self, score: MaskedScore) -> Images:
        """Return the images after the change."""
        images = score.images
        if self.change == "noise":
            noise = score.random.normal(0, *images.shape[1:], stream="stability")
            return (images + SIGMA * noise).clamp(0, 1)
        return shifted(images) if self.change == "shift" else as_jpeg(images)


def shifted(images: Images) -> Images:
    """Return images moved by one pixel to the right; the first column is repeated.

    Raises:
        InputError: The images are narrower than three pixels.
    """
    if images.shape[-1] < 3:
        raise InputError(
            f"stability: a shift needs images of 3 pixels or more, got {images.shape[-1]}"
        )
    return F.pad(images, (1, 0, 0, 0), mode="replicate")[..., :-1].contiguous()


def as_jpeg(images: Images) -> Images:
    """Return images after they were written as JPEG files and read again.

    Raises:
        InputError: The images have neither one channel nor three.
    """
    if images.shape[1] not in (1, 3):
        raise InputError(
            f"stability: a JPEG has 1 or 3 channels, and these images have {images.shape[1]}"
        )
    return torch.stack([_round_trip(image) for image in images]).to(images)


def _round_trip(image: Float[Tensor, "c h w"]) -> Float[Tensor, "c h w"]:
    pixels = (image.detach().cpu().float() * 255).round().clamp(0, 255).to(torch.uint8)
    planes = pixels.permute(1, 2, 0).numpy()
    file = BytesIO()
    Image.fromarray(planes[..., 0] if len(pixels) == 1 else planes).save(
        file, "JPEG", quality=QUALITY
    )
    with Image.open(file) as decoded:
        read = np.asarray(decoded).reshape(planes.shape)
    return torch.from_numpy(read.astype(np.float32) / 255).permute(2, 0, 1)
