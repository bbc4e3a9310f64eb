"""PDA: the change of the score when small windows are resampled given their surroundings."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from unsee.classifiers import measures
from unsee.errors import InputError
from unsee.infillers.base import RowIndex
from unsee.masking import masks
from unsee.masking.score import MaskedScore, View
from unsee.methods._checks import check_positive
from unsee.methods._sliding import places
from unsee.methods.base import Method, Progress, fixed_maps
from unsee.types import Images, Size, Variants

__all__ = ["PDA"]


@dataclass(frozen=True)
class PDA(Method):
    """Resample windows and measure the change of the score (Zintgraf et al., ICLR 2017).

    The weight of evidence of a window w is

        log2 odds(p(class | image)) - log2 odds(E[p(class | image with w resampled)]).

    The map is, for each pixel, the mean over the windows that contain it. No gradient is needed.

    The sampler `conditional` draws w from a Gaussian conditioned on the rim around it; beyond the
    border of the image the rim is mirrored. The sampler `infiller` takes w from the in-filler,
    once.

    Reference: L. Zintgraf, T. Cohen, T. Adel, M. Welling, "Visualizing Deep Neural Network
    Decisions: Prediction Difference Analysis", ICLR 2017, https://arxiv.org/abs/1702.04595.

    Departures from the paper:
        - Mean and covariance of the Gaussian are those of all patches of the image itself, so that
          no data set is needed; the paper fits them to patches of a set of photos.
        - `stride` is 5; the paper's 1, at 25 times the passes, is the recipe `pda`.
    """

    window: int = 10
    """Side of the window in pixels."""
    rim: int = 2
    """Width in pixels of the rim around the window that samples are conditioned on."""
    stride: int = 5
    """Distance between neighbouring windows in pixels (paper: 1)."""
    samples: int = 10
    """Number of samples of each window."""
    sampler: Literal["conditional", "infiller"] = "conditional"
    """Source of the pixels of a window: the conditional Gaussian, or the in-filler."""
    difference: Literal["log_odds", "plain"] = "log_odds"
    """Difference of log2 odds, or of mean scores (plain) for measures other than probability."""

    def __post_init__(self) -> None:
        check_positive(
            "pda", window=self.window, rim=self.rim, stride=self.stride, samples=self.samples
        )

    def with_budget(self, passes: int, size: Size) -> "PDA":
        """Return this method with the smallest stride that the passes pay for.

        Where not even windows side by side are paid for, each gets fewer samples, at least one.
        """
        times, stride = self.samples if self.sampler == "conditional" else 1, 1
        windows = self._windows(stride, size)
        while stride < self.window and times * windows > passes - 1:
            stride += 1
            windows = self._windows(stride, size)
        if self.sampler == "infiller":
            return replace(self, stride=stride)
        samples = min(self.samples, max(1, (passes - 1) // windows))
        return replace(self, stride=stride, samples=samples)

    def _windows(self, stride: int, size: Size) -> int:
        """Return the number of windows at a stride."""
        return math.prod(len(places(side, self.window, stride)) for side in size)

    def iterate(self, score: MaskedScore) -> Iterator[Progress]:
        """Yield after each row of windows."""
        self._check(score)
        (h, w), b = score.images.shape[-2:], len(score.images)
        tops, lefts = (places(side, self.window, self.stride) for side in (h, w))
        conditional = self.sampler == "conditional"
        sampler = (
            WindowSampler.of(score.images, self.window, self.rim, self.samples)
            if conditional
            else None
        )
        total, count = torch.zeros_like(score.images[:, 0]), score.images.new_zeros(h, w)
        with torch.no_grad():
            whole = score(score.images.new_ones(b, 1, 1, h, w))
            for row, top in enumerate(tops):
                corners = [(top, left) for left in lefts]
                at = torch.tensor(corners, device=score.images.device).to(whole)
                hole = masks.patches(at[:, 0], at[:, 1], (self.window, self.window), (h, w))
                times = self.samples if conditional else 1
                keep = hole.new_ones(len(hole), 1, 1, 1) if conditional else hole
                keep = keep.repeat_interleave(times, 0).expand(b, -1, -1, -1, -1)
                view = sampler.view(score, row, corners) if sampler else None
                scores = score(keep, step=row, view=view)
                evidence = self._evidence(whole, scores.unflatten(1, (-1, times)).mean(2))
                inside = 1 - hole[:, 0]
                total = total + torch.einsum("bk,khw->bhw", evidence, inside)
                count = count + inside.sum(0)
                yield Progress(row + 1, len(tops), fixed_maps(total / count.clamp(min=1)))

    def _check(self, score: MaskedScore) -> None:
        """Raise `InputError` for a window that is too large, or log-odds of another measure."""
        side = min(score.images.shape[-2:])
        if self.window + 2 * self.rim > side:
            raise InputError(
                f"pda: expected a window and its rim of at most {side} pixels, "
                f"got {self.window} + 2 x {self.rim}"
            )
        if self.difference == "log_odds" and score.measure is not measures.probability:
            raise InputError(
                "pda: difference=log_odds expects the measure probability; for other measures set "
                "difference = plain"
            )

    def _evidence(self, whole: Tensor, without: Tensor) -> Tensor:
        """Return the evidence of each window, from scores of the image and without the window."""
        if self.difference == "plain":
            return whole - without
        return (whole.logit(eps=1e-6) - without.logit(eps=1e-6)) / torch.log(whole.new_tensor(2))


@dataclass(frozen=True, eq=False)
class WindowSampler:
    """For each image, a Gaussian over patches, conditioned on the rim of a window.

    Axes: d numbers of a patch, i of them in the window, o in the rim.
    """

    samples: int
    window: int
    rim: int
    mean: Float[Tensor, "b d"]
    inner: Tensor
    """Whether each of the d numbers of a patch is in the window."""
    weights: Float[Tensor, "b i o"]
    """Regression of the window on the rim, both as deviations from the mean."""
    root: Float[Tensor, "b i i"]
    """Cholesky factor of the conditional covariance."""

    @classmethod
    def of(cls, images: Images, window: int, rim: int, samples: int) -> "WindowSampler":
        """Fit a Gaussian to all patches of each image, plus noise of one grey level (1/255)."""
        side, means, covariances = window + 2 * rim, [], []
        precise_dtype = torch.float32 if images.device.type == "mps" else torch.float64
        for image in images:  # one by one: patches are many times larger than images
            patches = F.unfold(image[None], side, stride=max(1, window // 4))[0].T.to(precise_dtype)
            means.append(patches.mean(0))
            deviation = patches - means[-1]
            covariances.append(deviation.T @ deviation / len(deviation))
        mean, covariance = torch.stack(means), torch.stack(covariances)
        covariance = covariance + torch.eye(covariance.shape[-1]).to(covariance) / 255**2
        core = torch.zeros(side, side, dtype=torch.bool)
        core[rim:-rim, rim:-rim] = True
        inner = core.expand(images.shape[1], -1, -1).flatten().to(images.device)
        ii = covariance[:, inner][:, :, inner]
        io, oo = covariance[:, inner][:, :, ~inner], covariance[:, ~inner][:, :, ~inner]
        weights = torch.linalg.solve(oo, io.mT).mT
        root = torch.linalg.cholesky(ii - weights @ io.mT)
        mean, weights, root = (value.to(images) for value in (mean, weights, root))
        return cls(samples, window, rim, mean, inner, weights, root)

    def view(self, score: MaskedScore, step: int, corners: list[tuple[int, int]]) -> View:
        """Return a view that pastes samples of the windows at `corners` (top, left)."""
        padded = F.pad(score.images, [self.rim] * 4, mode="reflect")
        side, c = self.window + 2 * self.rim, score.images.shape[1]
        size = self.root.shape[-1]
        noise = score.random.normal(step, len(corners) * self.samples, size, stream="window")

        def resample(variants: Variants, rows: RowIndex) -> Variants:
            result = variants.clone()
            for row, (image, variant) in enumerate(
                zip(rows.image.tolist(), rows.variant.tolist(), strict=True)
            ):
                top, left = corners[variant // self.samples]
                surroundings = padded[image, :, top : top + side, left : left + side].flatten()
                deviation = (surroundings - self.mean[image])[~self.inner]
                values = self.mean[image, self.inner] + self.weights[image] @ deviation
                values = values + self.root[image] @ noise[image, variant]
                patch = values.view(c, self.window, self.window).clamp(0, 1)
                result[row, :, top : top + self.window, left : left + self.window] = patch
            return result

        return resample
