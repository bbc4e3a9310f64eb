"""LIME: a linear model of the score over superpixels that are shown or hidden."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from unsee.errors import InputError
from unsee.images.superpixels import Cut, check_segments, cut
from unsee.infillers.base import RowIndex
from unsee.masking.score import MaskedScore
from unsee.methods.base import Method, Progress, Traits, check_positive
from unsee.types import Size

__all__ = ["LIME"]

ROUND = 64
"""Samples drawn together; a round's noise must not depend on how many are wanted in all."""


@dataclass(frozen=True)
class LIME(Method):
    """Local interpretable model-agnostic explanations (Ribeiro et al., KDD 2016).

    Each sample shows every superpixel with probability 1/2. Its score is regressed on what was
    shown, weighted by sqrt(exp(-d^2 / width^2)), d = 1 - cosine(shown, everything); a pixel's
    importance is its superpixel's coefficient. Needs no gradient. With a generative in-filler it is
    LIME-G (Agarwal & Nguyen, ACCV 2020), whose settings these are.
    """

    traits = Traits(allows_half_precision=True)

    superpixels: Cut = "slic"
    """How the image is cut up."""
    segments: int = 50
    """Superpixels wanted (slic: about; grid: its square root a side; quickshift: own)."""
    compactness: float = 30.0
    """SLIC: how square superpixels are."""
    sigma: float = 3.0
    """SLIC: smoothing beforehand, in pixels."""
    samples: int = 1000
    """Masked pictures for each image, the whole image among them."""
    width: float = 0.25
    """Of the kernel that weights samples by how much they show."""
    regression: Literal["ridge", "lasso", "two_stage"] = "ridge"
    """Regression; two_stage fits ridge again to the strongest superpixels alone."""
    alpha: float = 1.0
    """Weight of the penalty (LASSO wants about 0.001)."""
    features: int = 10
    """Superpixels that two_stage keeps."""

    def __post_init__(self) -> None:
        check_positive(
            "lime", segments=self.segments, width=self.width, alpha=self.alpha,
            features=self.features, compactness=self.compactness,
        )  # fmt: skip
        if self.samples < 2:
            raise InputError(f"lime: expected samples >= 2, got {self.samples}")

    def with_budget(self, passes: int, size: Size) -> "LIME":
        """As many samples as the passes pay for."""
        return replace(self, samples=max(2, passes))

    def iterate(self, score: MaskedScore) -> Iterator[Progress]:
        """One round is `ROUND` samples of each image."""
        check_segments("lime", self.segments, score.images)
        cuts = [
            cut(image, self.superpixels, self.segments, self.compactness, self.sigma)
            for image in score.images
        ]
        shown: list[list[Tensor]] = [[] for _ in cuts]
        scores: list[list[Tensor]] = [[] for _ in cuts]
        for step, start in enumerate(range(0, self.samples, ROUND)):
            done = min(start + ROUND, self.samples)
            for i, pieces in enumerate(cuts):
                coins = self._coins(score, i, step, pieces)[: done - start]

                def draw(part: Tensor, rows: RowIndex, pieces: Tensor = pieces) -> Tensor:
                    return part[:, pieces][:, None]

                with torch.no_grad():
                    asked = _only(score, i)(coins[None], step=step, draw=draw)
                shown[i].append(coins.cpu())
                scores[i].append(asked[0].cpu())
            yield Progress(done, self.samples, lambda: self._maps(cuts, shown, scores, score))

    def _coins(
        self, score: MaskedScore, i: int, step: int, pieces: Int[Tensor, "h w"]
    ) -> Float[Tensor, "n s"]:
        """Which superpixels each sample shows; the very first shows all."""
        count = int(pieces.max()) + 1
        noise = _only(score, i).random.uniform(step, ROUND, count, stream="coins")[0]
        coins = (noise < 0.5).to(score.images)
        if step == 0:
            coins[0] = 1
        return coins

    def _maps(
        self,
        cuts: list[Tensor],
        shown: list[list[Tensor]],
        scores: list[list[Tensor]],
        score: MaskedScore,
    ) -> Float[Tensor, "b h w"]:
        rows = []
        for pieces, coins, values in zip(cuts, shown, scores, strict=True):
            x, y = torch.cat(coins).double().numpy(), torch.cat(values).double().numpy()
            rows.append(torch.from_numpy(self.regress(x, y)).to(score.images)[pieces])
        return torch.stack(rows)

    def regress(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        """The coefficient of each superpixel, from what was shown (n, s) and the scores (n,)."""
        from sklearn.linear_model import Lasso, Ridge

        cosine = np.sqrt(x.mean(1))  # of a row of zeros and ones with a row of ones
        weight = np.sqrt(np.exp(-((1 - cosine) ** 2) / self.width**2))
        if self.regression == "lasso":
            return Lasso(self.alpha, max_iter=10_000).fit(x, y, weight).coef_
        found: NDArray[np.float64] = Ridge(self.alpha).fit(x, y, weight).coef_
        if self.regression == "two_stage":
            strong = np.argsort(-np.abs(found), kind="stable")[: self.features]
            found = np.zeros_like(found)
            found[strong] = Ridge(self.alpha).fit(x[:, strong], y, weight).coef_
        return found


def _only(score: MaskedScore, i: int) -> MaskedScore:
    """The question about one of the images."""
    return score.rows(torch.arange(len(score.images), device=score.images.device) == i)
