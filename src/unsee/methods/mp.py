"""MP: the smallest smooth mask that lowers the score."""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F

from unsee.infillers.base import RowIndex
from unsee.masking import masks
from unsee.masking.optimizers import Adam, Optimizer
from unsee.masking.score import MaskedScore
from unsee.methods._checks import check_grid, check_not_negative, check_positive
from unsee.methods.base import MaskOptimizer
from unsee.types import Losses, Saliency, Theta, Variants

__all__ = ["MP"]


@dataclass(frozen=True)
class MP(MaskOptimizer):
    """Find the smallest smooth mask that lowers the score (Fong & Vedaldi, ICCV 2017).

    Over a mask m in [0, 1], with the perturbed image jittered by a few pixels, the method minimises

        score(m) + sparsity sum(1 - m) + smoothness sum(|grad m|^power)

    with sums over the cells of the mask. The map is 1 - m. With segments of the photo, a segment
    counts in the first sum as many cells as it has pixels, and differences are those between
    neighbouring slots (see `masking.slots`).

    References: R. Fong, A. Vedaldi, "Interpretable Explanations of Black Boxes by Meaningful
    Perturbation", ICCV 2017, https://arxiv.org/abs/1704.03296. Settings: C. Agarwal, A. Nguyen,
    "Explaining image classifiers by removing input features using generative models", ACCV 2020,
    https://arxiv.org/abs/1910.04256, section 3.5.

    Departures from Fong & Vedaldi, which follow Agarwal & Nguyen:
        - The mask starts at uniform random values.
        - The up-sampled mask is not blurred.
        - The variation is the sum of |dx|^3 + |dy|^3 instead of sqrt(dx^2 + dy^2)^3.
    """

    traits = replace(
        MaskOptimizer.traits, cells=("grid",), infiller=("blur", {"sigma": 10, "kernel": 0})
    )

    grid: int = 28
    """Number of cells per side of the mask."""
    steps: int = 300
    """Number of optimisation steps."""
    rate: float = 0.1
    """Rate of Adam."""
    sparsity: float = 1e-4
    """Weight of the number of removed cells."""
    smoothness: float = 1e-2
    """Weight of the variation between neighbouring cells."""
    power: float = 3.0
    """Exponent of the differences between neighbouring cells."""
    jitter: int = 4
    """Largest shift of the perturbed image, in pixels."""

    def __post_init__(self) -> None:
        check_positive("mp", steps=self.steps, power=self.power)
        check_not_negative("mp", jitter=self.jitter)

    @property
    def passes(self) -> int:
        """Number of passes of one step: one."""
        return 1

    @property
    def update_rule(self) -> Optimizer:
        """Adam with a constant rate."""
        return Adam(self.rate)

    def start(self, score: MaskedScore) -> Theta:
        """Return a mask of uniform random values."""
        check_grid("mp", self.grid, score)
        return score.random.uniform(0, 1, 1, self.grid, self.grid, stream="start")

    def loss(self, score: MaskedScore, step: int, theta: Theta) -> Losses:
        """Return the score of the jittered image plus the penalties of the mask."""
        shifts = (score.random.uniform(step, 2, stream="jitter") * (self.jitter + 1)).long()

        def jittered(variants: Variants, rows: RowIndex) -> Variants:
            if not self.jitter:
                return variants
            h, w = variants.shape[-2:]
            larger = F.interpolate(variants, (h + self.jitter, w + self.jitter), mode="bilinear")
            corners = shifts[rows.image].tolist()
            crops = [v[:, y : y + h, x : x + w] for v, (y, x) in zip(larger, corners, strict=True)]
            return torch.stack(crops)

        area = (score.cell_sizes * (1 - theta)).flatten(1).sum(1)
        edges = self.grid * max(self.grid - 1, 1) * masks.total_variation(theta, self.power)
        deletion = score(theta, step=step, view=jittered).mean(1)
        return deletion + self.sparsity * area + self.smoothness * edges

    def importance(self, score: MaskedScore, theta: Theta) -> Saliency:
        """Return the removed share of each pixel."""
        return score.to_pixels(1 - theta)[:, 0, 0]
