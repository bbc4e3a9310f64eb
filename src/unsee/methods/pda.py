"""PDA: what the score would be if a small window were drawn anew, given what is around it."""

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
from unsee.methods.base import Method, Progress, check_positive, drawn
from unsee.types import Images, Size, Variants

__all__ = ["PDA"]


@dataclass(frozen=True)
class PDA(Method):
    """Prediction difference analysis (Zintgraf et al., ICLR 2017).

    A window's evidence is log2 odds(p(class | image)) - log2 odds(mean p(class | window drawn
    anew)); a pixel's importance is the mean over the windows that hold it. Needs no gradient.

    `conditional` draws the window from a Gaussian given the rim around it. Its mean and covariance
    are those of all patches of the image itself (paper: of patches of a set of photos), so that no
    data set is needed. `infiller` takes the window from the in-filler instead, once.
    """

    window: int = 10
    """Side of the window in pixels."""
    rim: int = 2
    """Width of the rim around it that the drawn pixels are conditioned on."""
    stride: int = 5
    """Distance between neighbouring windows (paper: 1, at 25 times the passes)."""
    samples: int = 10
    """Drawn for each window."""
    sampler: Literal["conditional", "infiller"] = "conditional"
    """Where a window's pixels come from."""
    difference: Literal["log_odds", "plain"] = "log_odds"
    """Of what; plain subtracts mean scores, for measures that are no probabilities."""

    def __post_init__(self) -> None:
        check_positive(
            "pda", window=self.window, rim=self.rim, stride=self.stride, samples=self.samples
        )

    def with_budget(self, passes: int, size: Size) -> "PDA":
        """The smallest stride that the passes pay for, at as many samples of each window."""
        times, stride = self.samples if self.sampler == "conditional" else 1, 1
        while (
            stride < self.window
            and times * math.prod(len(_places(side, self.window, stride)) for side in size)
            > passes - 1
        ):
            stride += 1
        return replace(self, stride=stride)

    def iterate(self, score: MaskedScore) -> Iterator[Progress]:
        """One round is one row of windows."""
        (h, w), b = score.images.shape[-2:], len(score.images)
        if self.window + 2 * self.rim > min(h, w):
            raise InputError(
                f"pda: expected a window and its rim of at most {min(h, w)} pixels, "
                f"got {self.window} + 2 x {self.rim}"
            )
        tops, lefts = (_places(side, self.window, self.stride) for side in (h, w))
        if self.difference == "log_odds" and score.measure is not measures.probability:
            raise InputError(
                "pda: log_odds are of probabilities; for another measure set difference = plain"
            )
        conditional = self.sampler == "conditional"
        redraw = (
            _Redraw.of(score.images, self.window, self.rim, self.samples) if conditional else None
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
                view = redraw.view(score, row, corners) if redraw else None
                scores = score(keep, step=row, view=view)
                gained = self._evidence(whole, scores.unflatten(1, (-1, times)).mean(2))
                inside = 1 - hole[:, 0]
                total = total + torch.einsum("bk,khw->bhw", gained, inside)
                count = count + inside.sum(0)
                yield Progress(row + 1, len(tops), drawn(total / count.clamp(min=1)))

    def _evidence(self, whole: Tensor, without: Tensor) -> Tensor:
        if self.difference == "plain":
            return whole - without
        return (whole.logit(eps=1e-6) - without.logit(eps=1e-6)) / torch.log(whole.new_tensor(2))


def _places(side: int, window: int, stride: int) -> list[int]:
    """Where windows begin, so that every pixel is in one."""
    last = side - window
    return sorted({*range(0, last + 1, stride), last})


@dataclass(frozen=True, eq=False)
class _Redraw:
    """For each image, a Gaussian over patches, conditioned on their rims."""

    samples: int
    window: int
    rim: int
    mean: Float[Tensor, "b d"]
    inner: Tensor
    """Which of a patch's numbers are the window's."""
    weights: Float[Tensor, "b i o"]
    """From the rim's deviation to the window's."""
    root: Float[Tensor, "b i i"]
    """Of the covariance that is left."""

    @classmethod
    def of(cls, images: Images, window: int, rim: int, samples: int) -> "_Redraw":
        """Fit to all patches of each image, with a little noise of one grey level added."""
        side, means, covariances = window + 2 * rim, [], []
        exact = torch.float32 if images.device.type == "mps" else torch.float64
        for image in images:  # one by one: patches are many times larger than images
            patches = F.unfold(image[None], side, stride=max(1, window // 4))[0].T.to(exact)
            means.append(patches.mean(0))
            off = patches - means[-1]
            covariances.append(off.T @ off / len(off))
        mean, covariance = torch.stack(means), torch.stack(covariances)
        covariance = covariance + torch.eye(covariance.shape[-1]).to(covariance) / 255**2
        core = torch.zeros(side, side, dtype=torch.bool)
        core[rim:-rim, rim:-rim] = True
        inner = core.expand(images.shape[1], -1, -1).flatten().to(images.device)
        ii = covariance[:, inner][:, :, inner]
        io, oo = covariance[:, inner][:, :, ~inner], covariance[:, ~inner][:, :, ~inner]
        weights = torch.linalg.solve(oo, io.mT).mT
        root = torch.linalg.cholesky(ii - weights @ io.mT)
        numbers = (value.to(images) for value in (mean, weights, root))
        mean, weights, root = numbers
        return cls(samples, window, rim, mean, inner, weights, root)

    def view(self, score: MaskedScore, step: int, corners: list[tuple[int, int]]) -> View:
        """Paste windows that are drawn anew; beyond the border the rim is a mirror image."""
        padded = F.pad(score.images, [self.rim] * 4, mode="reflect")
        side, c = self.window + 2 * self.rim, score.images.shape[1]
        size = self.root.shape[-1]
        noise = score.random.normal(step, len(corners) * self.samples, size, stream="window")

        def redrawn(variants: Variants, rows: RowIndex) -> Variants:
            result = variants.clone()
            for row, (image, variant) in enumerate(
                zip(rows.image.tolist(), rows.variant.tolist(), strict=True)
            ):
                top, left = corners[variant // self.samples]
                around = padded[image, :, top : top + side, left : left + side].flatten()
                off = (around - self.mean[image])[~self.inner]
                drawn_anew = self.mean[image, self.inner] + self.weights[image] @ off
                drawn_anew = drawn_anew + self.root[image] @ noise[image, variant]
                patch = drawn_anew.view(c, self.window, self.window).clamp(0, 1)
                result[row, :, top : top + self.window, left : left + self.window] = patch
            return result

        return redrawn
