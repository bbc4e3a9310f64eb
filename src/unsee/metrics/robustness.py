"""Robustness: whether the map remains when a setting of the method, or the seed, varies."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from unsee.errors import InputError
from unsee.masking.score import MaskedScore
from unsee.methods.base import Method
from unsee.metrics import _sharing
from unsee.metrics._similarity import stability
from unsee.metrics.base import Context, Metric
from unsee.metrics.stability import MAX_SEED
from unsee.registry import name_of
from unsee.registry.settings import of_object
from unsee.types import Saliency

__all__ = ["Robustness"]

SEED = "seed"
"""Value of `setting` with which the seed varies."""


@dataclass(frozen=True)
class Robustness(Metric):
    """Mean similarity of the method's maps over several values of a setting, or several seeds.

    The method explains the same class of the same image with each value, and the similarity is the
    mean over all pairs of these maps. Rates the method, which computes the further maps. In
    [-1, 1]; 1 if the setting does not change the map. In one evaluation, the maps are computed once
    for all similarities.

    Reference: Agarwal and Nguyen, 2020, Explaining image classifiers by removing input features
    using generative models, ACCV, Tables S1 and S2, https://arxiv.org/abs/1910.04256; Bansal et
    al., 2020, SAM: the sensitivity of attribution methods to hyperparameters, CVPR,
    https://arxiv.org/abs/2003.08754
    """

    libraries: ClassVar[tuple[str, ...]] = ("scipy.stats", "skimage.feature", "skimage.metrics")

    higher_is_better: ClassVar[bool] = True
    ranks_maps: ClassVar[bool] = False
    needs_method: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    setting: str = SEED
    """Setting of the method that varies, or seed."""
    values: tuple[float, ...] = ()
    """Values of the setting, two or more; for seed, none."""
    seeds: int = 5
    """Number of seeds where the seed varies; each costs one explanation."""
    similarity: Literal["spearman", "ssim", "hog"] = "spearman"
    """Similarity of two maps: a name of `_similarity.MEASURES`."""

    def __post_init__(self) -> None:
        if self.setting == SEED:
            if self.values or self.seeds < 2:
                raise InputError(
                    "robustness: with setting=seed expected seeds >= 2 and no values, got "
                    f"seeds={self.seeds} and values={self.values}"
                )
        elif len(set(self.values)) < max(2, len(self.values)):
            raise InputError(
                f"robustness: expected two or more different values of {self.setting}, such as "
                f"values=28,56, got {self.values}"
            )

    def check_method(self, method: Method) -> None:
        """Raise `InputError` for a method without this setting, or for which a value is invalid."""
        if self.setting != SEED:
            for value in self.values:
                self._variant(method, value)

    def measure(
        self, score: MaskedScore, saliency: Saliency, context: Context
    ) -> Float[Tensor, " b"]:
        """Return the mean similarity over all pairs of maps of each image."""
        method = context.method
        assert method is not None
        maps = _sharing.once(
            score, saliency, ("robustness", method, self.setting, self.values, self.seeds),
            lambda: torch.stack(list(self._maps(score, saliency, method, context)), 1),
        )  # fmt: skip
        return saliency.new_tensor([stability(of_image, self.similarity) for of_image in maps])

    def _maps(
        self, score: MaskedScore, saliency: Saliency, method: Method, context: Context
    ) -> Iterator[Saliency]:
        """Yield the maps of all images with each value or seed."""
        if self.setting != SEED:
            for value in self.values:
                variant = self._variant(method, value)
                same = variant == method
                yield saliency if same else replace(context, method=variant).attribute(score)
            return
        yield saliency
        for further in range(1, self.seeds):
            seeds = [(seed + further) % MAX_SEED for seed in score.seeds]
            yield context.attribute(replace(score, seeds=seeds))

    def _variant(self, method: Method, value: float) -> Method:
        """Return the method with one value of the setting."""
        number: Any = of_object(name_of(method), method, self.setting, f"{value:g}")
        variant: Method = replace(method, **{self.setting: number})  # type: ignore[type-var]
        variant.check()
        return variant
