"""Deletion and insertion curves: the score while pixels are removed or shown in ranked order.

Many incompatible areas under such curves are in use. Each is a named `Protocol` here.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from unsee.classifiers.measures import Measure, log_odds, probability
from unsee.errors import unknown
from unsee.infillers.base import Infiller, RowIndex
from unsee.infillers.painter import PainterInfiller
from unsee.masking import masks
from unsee.masking.score import MaskedScore
from unsee.metrics import _sharing
from unsee.metrics._backgrounds import Direction as Direction
from unsee.metrics._backgrounds import IgosBackground, RiseBackground
from unsee.saliency import check_map
from unsee.types import Saliency


class Curve(NamedTuple):
    """Scores of each image at p points of its ranking, from nothing changed to all changed."""

    share: Float[Tensor, " p"]
    """Share of the pixels, or cells, that are removed or shown at each point, from 0 to 1."""
    scores: Float[Tensor, "b p"]
    """Score of each image at each point."""
    direction: Direction = "deletion"
    """Whether pixels are removed (deletion) or shown (insertion)."""


@dataclass(frozen=True)
class Protocol:
    """All choices that define the area under a deletion or insertion curve.

    Two areas are comparable only if they have the same protocol.
    """

    name: str
    """Name in settings of metrics and in reports."""
    summary: str
    """One line for tables and reports, without a full stop."""
    description: str
    """Full description: order, steps, replacement, area, paper and code."""
    cells: int | None
    """Number of cells per side of a square grid that is ranked; None ranks single pixels."""
    backgrounds: Callable[[Direction], Infiller] | None
    """In-filler for the removed pixels; None takes the in-filler of the score."""
    step: Callable[[int, int], int]
    """Number of pixels or cells per step, from their total number and the image's width."""
    area: Callable[[Curve], Float[Tensor, " b"]]
    """Area under a curve."""
    measure: Measure = probability
    """Score at each point of the curve."""


def trapezoid(curve: Curve) -> Float[Tensor, " b"]:
    """Return the trapezoidal area over equal steps: (sum(s) - s_0 / 2 - s_n / 2) / n.

    This is RISE's rule. The last step counts as a whole one even if it has fewer pixels.
    """
    scores = curve.scores
    return (scores.sum(1) - scores[:, 0] / 2 - scores[:, -1] / 2) / (scores.shape[1] - 1)


def riemann(curve: Curve) -> Float[Tensor, " b"]:
    """Return the right Riemann sum: sum over i >= 1 of s_i (x_i - x_(i-1)), x being the share."""
    return curve.scores[:, 1:] @ curve.share.diff().to(curve.scores)


def riemann_released(curve: Curve) -> Float[Tensor, " b"]:
    """Return the sum of iGOS++'s published code: `riemann` plus the width of the last step.

    Operator precedence in the code adds that width: 0.0204 for 7 x 7 cells, 0.0051 for 28 x 28 and
    0.0005 for 224 x 224.
    """
    return riemann(curve) + curve.share.diff()[-1].to(curve.scores)


def restored(curve: Curve) -> Float[Tensor, "b p"]:
    """Return the scores scaled so that 0 is the removed and 1 the whole image.

    (s - s_removed) / (s_whole - s_removed); NaN where removing everything does not lower the score.
    """
    first, last = curve.scores[:, :1], curve.scores[:, -1:]
    whole, removed = (first, last) if curve.direction == "deletion" else (last, first)
    heights = (curve.scores - removed) / (whole - removed).clamp(min=1e-6)
    return heights.where(whole > removed, torch.nan)


def normalised(curve: Curve) -> Float[Tensor, " b"]:
    """Return the trapezoidal area of the `restored` score (Chang et al., 2019, section 4.6).

    NaN where removing everything does not lower the score. The restored score is clipped to
    [-1, 2], so that an image whose two ends are close does not outweigh all others (not in the
    paper, https://arxiv.org/abs/1807.08024).
    """
    return trapezoid(curve._replace(scores=restored(curve).clamp(-1, 2)))


_RISE_STEPS = (
    "Single pixels are ranked. Each step changes as many pixels as eight rows of the image have "
    "(1792 of 224 x 224 pixels, so 29 points), or a 28th of all pixels, rounded up, where the "
    "image has fewer than 224 rows."
)


def _eight_rows(count: int, width: int) -> int:
    """Return the pixels of a step: those of eight rows, but at most a 28th of all, rounded up."""
    return min(8 * width, math.ceil(count / 28))


_RISE = Protocol(
    "rise",
    "single pixels, eight rows of pixels but at most a 28th of all per step; deletion to the mean "
    "colour, insertion from a light blur (11 x 11, sigma 5); trapezoidal area of the probability",
    f"{_RISE_STEPS} Deletion starts from the image and replaces the highest-ranked pixels first by "
    "the mean colour of the data. Insertion starts from a blurred image (11 x 11 Gaussian, sigma "
    "5, zero padding) and restores the highest-ranked pixels first. The score is the softmax "
    "probability of the class. The area is trapezoidal over equal steps. Petsiuk et al., 2018 "
    "(https://arxiv.org/abs/1806.07421), as in their published code.",
    cells=None,
    backgrounds=RiseBackground,
    step=_eight_rows,
    area=trapezoid,
)
_CLEAN = replace(
    _RISE,
    name="clean",
    summary="single pixels, eight rows of pixels but at most a 28th of all per step; the in-filler "
    "of the score replaces removed pixels; trapezoidal area of the probability",
    description=f"{_RISE_STEPS} The in-filler of the score replaces removed pixels: deletion ends, "
    "and insertion starts, with an image that is in-filled everywhere. The score is the softmax "
    "probability of the class. The area is trapezoidal over equal steps. Of this project: `rise` "
    "with a free choice of in-filler.",
    backgrounds=None,
)
_PAINTED = replace(
    _CLEAN,
    name="painted",
    summary="single pixels, a tenth per step; the generator `painter` replaces removed pixels; "
    "trapezoidal area of the probability",
    description="Single pixels are ranked. Each step changes a tenth of the pixels (11 points). "
    "The generator `painter` replaces removed pixels by content that fits the visible ones: "
    "deletion ends, and insertion starts, with an image that is painted everywhere. The score is "
    "the softmax probability of the class. The area is trapezoidal over equal steps. Of this "
    "project: an optimiser with another in-filler cannot learn this background by heart.",
    backgrounds=lambda direction: PainterInfiller(),
    step=lambda count, width: math.ceil(count / 10),
)

_IGOS = Protocol(
    "igos",
    "28 x 28 cells, about 50 steps; to and from a strong blur (51 x 51, sigma 50); right Riemann "
    "sum of the probability",
    "The map is sampled at 28 x 28 cells, which are ranked. Each step changes a fiftieth of the "
    "cells, and at least one. The mask of cells is up-sampled bilinearly, so that its edges are "
    "soft. Deletion replaces the highest-ranked cells first by a blurred image (51 x 51 Gaussian, "
    "sigma 50, 8 bits). Insertion starts from the same blurred image and restores the "
    "highest-ranked cells first. The score is the softmax probability of the class. The area is a "
    "right Riemann sum, without the first point. Khorram et al., 2021 "
    "(https://arxiv.org/abs/2012.15783), as in their paper.",
    cells=28,
    backgrounds=IgosBackground,
    step=lambda count, width: max(1, count // 50),
    area=riemann,
)
_IGOS_7, _IGOS_14, _IGOS_224 = (
    replace(
        _IGOS,
        name=f"igos-{cells}",
        summary=f"`igos` with {cells} x {cells} cells",
        description=f"`igos` with {cells} x {cells} cells.",
        cells=cells,
    )
    for cells in (7, 14, 224)
)
_IGOS_RELEASED = replace(
    _IGOS,
    name="igos-released",
    summary="`igos` as in its published code, which adds the width of the last step to the area",
    description="`igos` with the arithmetic of the published code: operator precedence adds the "
    "width of the last step to the area (0.0051), so that it may exceed 1. Khorram et al., 2021 "
    "(https://arxiv.org/abs/2012.15783), as in their published code.",
    area=riemann_released,
)
_INFILL = replace(
    _CLEAN,
    name="infill",
    summary="`clean` with log-odds, scaled so that 0 is the removed and 1 the whole image",
    description="`clean` with another score: the log-odds of the class, scaled so that the "
    "in-filled image has 0 and the whole image 1, and clipped to [-1, 2]. The area is NaN where "
    "removing everything does not lower the log-odds. Chang et al., 2019, section 4.6 "
    "(https://arxiv.org/abs/1807.08024), who in-fill with a generative model; the clipping is "
    "ours.",
    area=normalised,
    measure=log_odds,
)
_ALL = (_RISE, _IGOS, _IGOS_7, _IGOS_14, _IGOS_224, _IGOS_RELEASED, _CLEAN, _PAINTED, _INFILL)
PROTOCOLS = {protocol.name: protocol for protocol in _ALL}
"""All protocols by name."""


def protocol_named(name: str) -> Protocol:
    """Return the protocol of this name.

    Raises:
        InputError: For an unknown name.
    """
    if name not in PROTOCOLS:
        raise unknown("protocol", name, PROTOCOLS)
    return PROTOCOLS[name]


def curve(
    score: MaskedScore, saliency: Float[Tensor, "..."], protocol: Protocol, direction: Direction
) -> Curve:
    """Return the scores while pixels are removed or shown, the highest-ranked first.

    Within `_sharing.shared`, a curve that was computed is returned again. Protocols that differ
    in their area only have the same curve.

    Equal values are ordered by the seeded shuffle of `masks.ranks`. Images smaller than the grid of
    cells get one cell per pixel of their shorter side. The in-filler of the score replaces pixels
    under protocols without a background of their own.

    Raises:
        InputError: For maps of another size than the images, and for NaN or infinity.
    """
    check_map(saliency, score.images)
    rules = (protocol.cells, protocol.step, protocol.backgrounds, protocol.measure, direction)
    return _sharing.once(
        score, saliency, rules, lambda: _compute(score, saliency, protocol, direction)
    )


@torch.no_grad()
def _compute(
    score: MaskedScore, saliency: Float[Tensor, "..."], protocol: Protocol, direction: Direction
) -> Curve:
    images = score.images
    if protocol.cells is not None:
        saliency = to_cells(saliency, min(protocol.cells, *images.shape[-2:]))
    count, width = saliency[0].numel(), images.shape[-1]
    step = min(protocol.step(count, width), count)
    changed = torch.arange(0, count + step, step).clamp(max=count).unique().to(images.device)
    rank = masks.ranks(saliency)
    score = replace(score, measure=protocol.measure)
    if protocol.backgrounds is not None:
        score = replace(score, infiller=protocol.backgrounds(direction))

    def draw(changed: Tensor, rows: RowIndex) -> Tensor:
        first = rank[rows.image] < changed[:, None]
        keep = (first if direction == "insertion" else ~first).to(rank)
        keep = keep.view(-1, 1, 1, *saliency.shape[1:])
        return masks.resize(keep, images.shape[-2:], align_corners=True)[:, 0]

    scores = score(changed.to(rank).expand(len(images), -1), draw=draw)
    return Curve((changed / count).to(saliency.dtype), scores, direction)


def area(
    score: MaskedScore, saliency: Saliency, protocol: str, direction: Direction
) -> Float[Tensor, " b"]:
    """Return the area under each image's curve by the protocol of this name."""
    rules = protocol_named(protocol)
    return rules.area(curve(score, saliency, rules, direction))


def to_cells(saliency: Saliency, side: int) -> Float[Tensor, "b {side} {side}"]:
    """Sample maps bilinearly at `side` x `side` cells, corners aligned as in iGOS++'s code."""
    return F.interpolate(saliency[:, None], (side, side), mode="bilinear", align_corners=True)[:, 0]
