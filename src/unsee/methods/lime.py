"""LIME: a linear model of the score over superpixels that are kept or removed."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from unsee.errors import InputError
from unsee.images.superpixels import Segmentation, check_segments, segment
from unsee.infillers.base import RowIndex
from unsee.masking.score import MaskedScore
from unsee.methods._checks import check_positive
from unsee.methods.base import Method, Progress, Traits
from unsee.types import Size

__all__ = ["LIME"]

SAMPLES_PER_ROUND = 64
"""Number of samples whose noise is drawn at once; fixed, so that a sample does not depend on
`samples`."""


@dataclass(frozen=True)
class LIME(Method):
    """Fit a linear model of the score to random superpixels (Ribeiro et al., KDD 2016).

    Each sample keeps every superpixel with probability 1/2, z in {0, 1}^s; the first keeps all. A
    regression of score(z) on z, in which a sample has the weight

        sqrt(exp(-d^2 / width^2)), d = 1 - cosine(z, 1),

    gives a coefficient for each superpixel: the map. No gradient is needed. With a generative
    in-filler the method is LIME-G. Segments that are given as cells replace the superpixels.

    References: M. T. Ribeiro, S. Singh, C. Guestrin, "'Why Should I Trust You?': Explaining the
    Predictions of Any Classifier", KDD 2016, https://arxiv.org/abs/1602.04938. Settings and LIME-G:
    C. Agarwal, A. Nguyen, "Explaining image classifiers by removing input features using
    generative models", ACCV 2020, https://arxiv.org/abs/1910.04256, section 3.4.

    Departures from Agarwal & Nguyen:
        - The regression is ridge, as in the code of LIME that they ran; their text says LASSO
          for 1000 steps (`regression=lasso`).
        - The published script draws 500 samples, the paper 1000.
    """

    libraries: ClassVar[tuple[str, ...]] = (
        "sklearn.linear_model", "skimage.segmentation:slic", "skimage.segmentation:quickshift",
    )  # fmt: skip

    traits = Traits(
        allows_half_precision=True, cells=("superpixels", "segments", "compactness", "sigma")
    )

    superpixels: Segmentation = "slic"
    """Segmentation of the image into superpixels."""
    segments: int = 50
    """Number of superpixels: approximate for slic, rounded to a square for grid, ignored by
    quickshift."""
    compactness: float = 30.0
    """Weight of distance against colour in SLIC; higher gives squarer superpixels."""
    sigma: float = 3.0
    """Standard deviation, in pixels, of the blur before SLIC."""
    samples: int = 1000
    """Number of masked images for each image, including the image itself."""
    width: float = 0.25
    """Width of the kernel that weights samples by their similarity to the image."""
    regression: Literal["ridge", "lasso", "two_stage"] = "ridge"
    """Kind of regression; two_stage fits ridge a second time to the strongest superpixels."""
    alpha: float = 1.0
    """Weight of the penalty of the regression (for lasso, about 0.001)."""
    features: int = 10
    """Number of superpixels that two_stage selects."""

    def __post_init__(self) -> None:
        check_positive(
            "lime", segments=self.segments, width=self.width, alpha=self.alpha,
            features=self.features, compactness=self.compactness,
        )  # fmt: skip
        if self.samples < 2:
            raise InputError(f"lime: expected samples >= 2, got {self.samples}")

    def with_budget(self, passes: int, size: Size) -> "LIME":
        """Return this method with as many samples as the passes pay for."""
        return replace(self, samples=max(2, passes))

    def iterate(self, score: MaskedScore) -> Iterator[Progress]:
        """Yield after each round of `SAMPLES_PER_ROUND` samples of each image."""
        segmentations = self._segmentations(score)
        kept: list[list[Tensor]] = [[] for _ in segmentations]
        scores: list[list[Tensor]] = [[] for _ in segmentations]
        for step, start in enumerate(range(0, self.samples, SAMPLES_PER_ROUND)):
            done = min(start + SAMPLES_PER_ROUND, self.samples)
            for i, labels in enumerate(segmentations):
                samples = self._samples(score, i, step, labels)[: done - start]

                def draw(chunk: Tensor, rows: RowIndex, labels: Tensor = labels) -> Tensor:
                    return chunk[:, labels][:, None]

                with torch.no_grad():
                    results = _single(score, i)(samples[None], step=step, draw=draw)
                kept[i].append(samples.cpu())
                scores[i].append(results[0].cpu())
            yield Progress(
                done, self.samples, lambda: self._maps(segmentations, kept, scores, score)
            )

    def _segmentations(self, score: MaskedScore) -> list[Int[Tensor, "h w"]]:
        """Return the superpixels of each image, or the segments of the score."""
        if score.slots is not None:
            return [score.slots.segments(i) for i in range(len(score.images))]
        check_segments("lime", self.segments, score.images)
        return [
            segment(image, self.superpixels, self.segments, self.compactness, self.sigma)
            for image in score.images
        ]

    def _samples(
        self, score: MaskedScore, i: int, step: int, labels: Int[Tensor, "h w"]
    ) -> Float[Tensor, "n s"]:
        """Draw the superpixels that each sample keeps; the very first sample keeps all."""
        count = int(labels.max()) + 1
        noise = _single(score, i).random.uniform(step, SAMPLES_PER_ROUND, count, stream="coins")[0]
        samples = (noise < 0.5).to(score.images)
        if step == 0:
            samples[0] = 1
        return samples

    def _maps(
        self,
        segmentations: list[Tensor],
        kept: list[list[Tensor]],
        scores: list[list[Tensor]],
        score: MaskedScore,
    ) -> Float[Tensor, "b h w"]:
        maps = []
        for labels, samples, values in zip(segmentations, kept, scores, strict=True):
            x, y = torch.cat(samples).double().numpy(), torch.cat(values).double().numpy()
            maps.append(torch.from_numpy(self.regress(x, y)).to(score.images)[labels])
        return torch.stack(maps)

    def regress(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the coefficient of each superpixel.

        Args:
            x: kept superpixels of each sample, 0 or 1, of shape (n, s).
            y: score of each sample, of shape (n,).
        """
        from sklearn.linear_model import Lasso, Ridge

        cosine = np.sqrt(x.mean(1))  # of a row of zeros and ones with a row of ones
        weight = np.sqrt(np.exp(-((1 - cosine) ** 2) / self.width**2))
        if self.regression == "lasso":
            return Lasso(self.alpha, max_iter=10_000).fit(x, y, weight).coef_
        coefficients: NDArray[np.float64] = Ridge(self.alpha).fit(x, y, weight).coef_
        if self.regression == "two_stage":
            strongest = np.argsort(-np.abs(coefficients), kind="stable")[: self.features]
            coefficients = np.zeros_like(coefficients)
            coefficients[strongest] = Ridge(self.alpha).fit(x[:, strongest], y, weight).coef_
        return coefficients


def _single(score: MaskedScore, i: int) -> MaskedScore:
    """Return the score of image `i` alone."""
    return score.rows(torch.arange(len(score.images), device=score.images.device) == i)
