"""SmoothGrad, through Captum."""

from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from unsee.methods._captum import CaptumMethod, Pooling, ScoreModule
from unsee.methods._checks import check_not_negative, check_positive
from unsee.types import Images, Size

__all__ = ["SmoothGrad"]


SAMPLES_PER_CALL = 8
"""Number of samples that Captum draws at once; its noise depends on it, hence it is fixed instead
of the batch size of the classifier."""


@dataclass(frozen=True)
class SmoothGrad(CaptumMethod):
    """Average the score's gradient over noisy copies of the image (Smilkov et al., 2017).

    The map is max_c |E[d score(x + noise) / d x_c]|, through Captum's `NoiseTunnel` of `Saliency`.

    Reference: D. Smilkov, N. Thorat, B. Kim, F. Viégas, M. Wattenberg, "SmoothGrad: removing noise
    by adding noise", 2017, https://arxiv.org/abs/1706.03825.
    """

    traits = replace(CaptumMethod.traits, needs_gradient=True)

    samples: int = 25
    """Number of noisy copies of the image."""
    noise: float = 0.15
    """Standard deviation of the noise, as a share of the range of the normalised
    image's values."""
    channels: Pooling = "max"
    """How channels are pooled: sum, sum of magnitudes (abs) or largest magnitude (max)."""

    def __post_init__(self) -> None:
        check_positive("smoothgrad", samples=self.samples)
        check_not_negative("smoothgrad", noise=self.noise)

    def with_budget(self, passes: int, size: Size) -> "SmoothGrad":
        """Return this method with as many samples as the passes pay for."""
        return replace(self, samples=max(1, passes))

    def attributions(
        self, captum: Any, network: ScoreModule, x: Images, background: Images
    ) -> Tensor:
        """Return the mean gradient: one backward pass for each sample."""
        tunnel = captum.NoiseTunnel(captum.Saliency(network))
        deviation = self.noise * (x.max() - x.min()).item()
        return tunnel.attribute(
            x, nt_type="smoothgrad", nt_samples=self.samples, stdevs=deviation, abs=False,
            nt_samples_batch_size=SAMPLES_PER_CALL,
        )  # fmt: skip
