"""SmoothGrad, through Captum."""

from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from unsee.methods._captum import CaptumMethod, Pooling, Scored
from unsee.methods.base import check_not_negative, check_positive
from unsee.types import Images, Size

__all__ = ["SmoothGrad"]


TOGETHER = 8
"""Samples drawn at once: what Captum draws depends on it, so that it must not be the chunk."""


@dataclass(frozen=True)
class SmoothGrad(CaptumMethod):
    """Mean gradient under noise (Smilkov et al., 2017; Captum's NoiseTunnel of Saliency)."""

    traits = replace(CaptumMethod.traits, needs_gradient=True)

    samples: int = 25
    """Noisy copies of the image."""
    noise: float = 0.15
    """Standard deviation of the noise, as a share of the range of the image's values."""
    channels: Pooling = "max"
    """How channels become one map: their sum, the sum of magnitudes, the largest magnitude."""

    def __post_init__(self) -> None:
        check_positive("smoothgrad", samples=self.samples)
        check_not_negative("smoothgrad", noise=self.noise)

    def with_budget(self, passes: int, size: Size) -> "SmoothGrad":
        """As many samples as the passes pay for."""
        return replace(self, samples=max(1, passes))

    def ask(self, captum: Any, network: Scored, x: Images, behind: Images) -> Tensor:
        """As many backward passes as samples."""
        tunnel = captum.NoiseTunnel(captum.Saliency(network))
        deviation = self.noise * (x.max() - x.min()).item()
        return tunnel.attribute(
            x, nt_type="smoothgrad", nt_samples=self.samples, stdevs=deviation, abs=False,
            nt_samples_batch_size=TOGETHER,
        )  # fmt: skip
