"""How much a map and its regions vary over the seeds of a study."""

from dataclasses import dataclass
from typing import Any

from unsee.masking.score import MaskedScore
from unsee.results import regions
from unsee.results.regions import Wanted
from unsee.study import Study


@dataclass(frozen=True)
class Variation:
    """How much the maps of several seeds differ, and the shares of the pixels that have an effect.

    A share has an effect if its removal changes the answer, or if it suffices.
    """

    seeds: int
    """Number of seeds."""
    rank_correlation: float
    """Mean of Spearman's rank correlation over all pairs of maps."""
    effective: dict[str, int]
    """Number of seeds with an effect, by the picture it is searched for."""
    ranges: dict[str, tuple[float, float] | None]
    """Smallest and largest share with an effect over these seeds; None without any."""

    def line(self) -> str:
        """Return all numbers in words."""
        return (
            f"maps of {self.seeds} seeds: mean rank correlation {self.rank_correlation:.2f}; "
            f"smallest share whose removal changes the answer: {self.range_in_words('removed')}; "
            f"that suffices alone: {self.range_in_words('kept')}"
        )

    def range_in_words(self, key: str) -> str:
        """Return the range of one share in words, with the number of seeds that have one."""
        shares, count = self.ranges[key], self.effective[key]
        if shares is None:
            return "none"
        few = "" if count == self.seeds else f" ({count} of {self.seeds} seeds)"
        return f"{percentages(*shares)}{few}"

    def plain(self) -> dict[str, Any]:
        """Return plain values for the manifest."""
        return {
            "rank_correlation": round(self.rank_correlation, 6),
            "share": {
                key: None if shares is None else [round(share, 6) for share in shares]
                for key, shares in self.ranges.items()
            },
            "seeds_with_effect": self.effective,
        }


def percentages(low: float, high: float) -> str:
    """Return a range of shares in words."""
    first, last = f"{100 * low:.0f}", f"{100 * high:.0f}"
    return f"{last}%" if first == last else f"{first} to {last}%"


def variation_of(study: Study, score: MaskedScore, wanted: Wanted) -> Variation | None:
    """Return how much the maps of a study of one photo vary over its seeds; None for one seed.

    Args:
        study: A study whose steps are finished.
        score: Its score, with the in-filler of the pictures.
        wanted: The effects that are searched for.
    """
    if study.repeats == 1:
        return None
    searched = [regions.search(score, saliency, None, wanted) for saliency in study.maps]
    shares: dict[str, list[float]] = {
        key: [one.shares[key] for one in searched if one.effects[key].any()]
        for key in ("removed", "kept")
    }
    (agreement,) = study.explanation.provenance["variation"]
    return Variation(
        study.repeats,
        agreement["rank_correlation"],
        {key: len(values) for key, values in shares.items()},
        {key: (min(values), max(values)) if values else None for key, values in shares.items()},
    )
