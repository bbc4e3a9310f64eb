"""A Gaussian blur of the image itself."""

from dataclasses import dataclass
from typing import ClassVar

from unsee.errors import InputError
from unsee.images.filters import gaussian_blur
from unsee.infillers.base import Fill, ImageBatch, Infiller

__all__ = ["Blur"]


@dataclass(frozen=True)
class Blur(Infiller):
    """The whole image, blurred: by default as in I-GOS and iGOS++ (kernel 51, sigma 50).

    The blur is of the whole image, so that removed pixels leak into it by definition.
    """

    sees_removed: ClassVar[bool] = True

    sigma: float = 50.0
    """Standard deviation in pixels (FIDO and MP: 10)."""
    kernel: int = 51
    """Side of the kernel in pixels, odd; 0 takes three standard deviations on either side."""

    def __post_init__(self) -> None:
        if self.sigma <= 0 or self.kernel < 0 or (self.kernel and self.kernel % 2 == 0):
            raise InputError(
                f"expected sigma > 0 and an odd kernel (or 0), got sigma {self.sigma}, "
                f"kernel {self.kernel}"
            )

    def bind(self, scene: ImageBatch) -> Fill:
        """Blur once."""
        background = gaussian_blur(scene.images, self.sigma, self.kernel)
        return lambda keep, rows: rows.of(background)
