"""The photos on which one configuration is better than another by most, and worse by most."""

from typing import TYPE_CHECKING, NamedTuple

from unsee.evaluation.plan import Combination
from unsee.images.drawing import BACKGROUND_COLOUR, TEXT_COLOUR, drawable
from unsee.reports import gallery
from unsee.reports.claims import claim_results
from unsee.reports.gallery import Example
from unsee.reports.results import Results
from unsee.reports.summary import lead

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PHOTOS = 3
"""Photos at each end."""
MAX_PAIRS = 3
"""Pairs of configurations in the figure."""


class Extremes(NamedTuple):
    """Two configurations, and by how much the first is better on the photos at both ends."""

    pair: tuple[Combination, Combination]
    metric: str
    gains: dict[str, float]
    """From the photo on which the first is better by most, to that on which it is worse by most."""


def extremes(results: Results) -> list[Extremes]:
    """Return the ends of the pairs that a paper compares, else of the two best configurations.

    Each pair is compared by the first metric that ranks maps.
    """
    pairs: dict[tuple[Combination, Combination], str] = {}
    for claim in claim_results(results):
        if results.ranks_maps(claim.metric):
            pairs.setdefault(claim.pair, claim.metric)
    if not pairs:
        ranked = (lead(results, metric) for metric in results.metrics if results.ranks_maps(metric))
        pairs = {(one.best, one.second): one.metric for one in ranked if one is not None}
    ends = [Extremes(pair, name, _ends(results, pair, name)) for pair, name in pairs.items()]
    return [one for one in ends if one.gains][:MAX_PAIRS]


def _ends(results: Results, pair: tuple[Combination, Combination], metric: str) -> dict[str, float]:
    gains = results.gains(*pair, metric)
    ranked = sorted(gains, key=lambda photo: (-gains[photo], photo))
    better = [photo for photo in ranked[:PHOTOS] if gains[photo] > 0]
    worse = [photo for photo in ranked[-PHOTOS:] if gains[photo] < 0]
    return {photo: gains[photo] for photo in better + worse}


def draw(results: Results) -> "Figure | None":
    """Draw both ends of each pair, if a run saved the maps."""
    from unsee.images.figure import Figure

    parts: list[tuple[Extremes, list[Example]]] = []
    for one in extremes(results):
        saved = gallery.examples(results.folders, ids=[*one.gains])
        rows = sorted(saved, key=lambda example: -one.gains[example.id])
        if rows and {*one.pair} <= rows[0].maps.keys():
            parts.append((one, rows))
    if not parts:
        return None
    sizes = [gallery.size(len(rows), 2) for _, rows in parts]
    heights = [height + 0.3 for _, height in sizes]
    figure = Figure((sizes[0][0], sum(heights)), layout="constrained", facecolor=BACKGROUND_COLOUR)
    panels = figure.subfigures(len(parts), 1, squeeze=False, height_ratios=heights)[:, 0]
    for panel, (one, rows) in zip(panels, parts, strict=True):
        panel.set_facecolor(BACKGROUND_COLOUR)
        title = drawable(results.heading(one.metric))
        panel.suptitle(title, fontsize=9, color=TEXT_COLOUR)
        labels = {c: results.label(c) for c in one.pair}
        notes = {photo: _note(gain) for photo, gain in one.gains.items()}
        gallery.draw(panel, rows, labels, notes)
    return figure


def _note(gain: float) -> str:
    return f"the first is {'better' if gain > 0 else 'worse'} by {abs(gain):.3f}"
