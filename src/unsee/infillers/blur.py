"""Gaussian blur."""

from dataclasses import dataclass
from typing import ClassVar

from unsee.errors import InputError
from unsee.images.filters import gaussian_blur
from unsee.infillers.base import Fill, ImageBatch, Infiller

__all__ = ["Blur"]


@dataclass(frozen=True)
class Blur(Infiller):
    """The blurred image; by default with sigma 50, as in I-GOS and iGOS++.

    The whole image is blurred once, independently of the mask, so that removed pixels influence the
    background: large objects remain recognisable. Deterministic and fast.
    """

    uses_removed_pixels: ClassVar[bool] = True

    sigma: float = 50.0
    """Standard deviation in pixels (FIDO and MP: 10)."""
    kernel: int = 51
    """Side of the kernel in pixels, odd; 0: three standard deviations on each side."""

    def __post_init__(self) -> None:
        if self.sigma <= 0 or self.kernel < 0 or (self.kernel and self.kernel % 2 == 0):
            raise InputError(
                f"expected sigma > 0 and an odd kernel (or 0), got sigma {self.sigma}, "
                f"kernel {self.kernel}"
            )

    def bind(self, batch: ImageBatch) -> Fill:
        """Blur the images once."""
        background = gaussian_blur(batch.images, self.sigma, self.kernel)
        return lambda keep, rows: rows.of(background)
