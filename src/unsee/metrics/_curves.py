"""Deletion and insertion curves: what happens to the score along a ranking of the pixels.

Many incompatible "deletion AUCs" are in use; here each is a `Protocol` with a name.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from unsee.classifiers.measures import Measure, log_odds, probability
from unsee.errors import unknown
from unsee.images.filters import convolve, gaussian_blur
from unsee.infillers.base import Fill, ImageBatch, Infiller, RowIndex
from unsee.masking import masks
from unsee.masking.score import MaskedScore
from unsee.saliency import check_map
from unsee.types import Saliency

Direction = Literal["deletion", "insertion"]


class Curve(NamedTuple):
    """Scores of each image along its ranking, from nothing changed to everything changed."""

    share: Float[Tensor, " p"]
    """Share of the pixels (or cells) deleted or inserted at each point, from 0 to 1."""
    scores: Float[Tensor, "b p"]
    direction: Direction = "deletion"


@dataclass(frozen=True)
class RiseBackground(Infiller):
    """Petsiuk et al. 2018: to the neutral colour; from an 11x11, sigma 5, zero-padded blur."""

    direction: Direction

    def bind(self, scene: ImageBatch) -> Fill:
        """Both backgrounds are computed on what the network sees, where zero is neutral."""
        neutral = scene.neutral.view(-1, 1, 1)
        background = neutral.expand_as(scene.images)
        if self.direction == "insertion":
            background = convolve(scene.images - neutral, rise_kernel(), border="zero") + neutral
        return lambda keep, rows: rows.of(background)


@dataclass(frozen=True)
class IgosBackground(Infiller):
    """Khorram et al. 2021: to and from the 51x51, sigma 50 blur of the 8-bit image."""

    direction: Direction

    def bind(self, scene: ImageBatch) -> Fill:
        """Blurred once, to 8 bits as OpenCV does."""
        background = (gaussian_blur(scene.images, 50, 51) * 255).round() / 255
        return lambda keep, rows: rows.of(background)


def rise_kernel() -> Float[Tensor, " 11"]:
    """One side of RISE's kernel: a Gaussian of sigma 5 folded back into 11 pixels at both ends.

    Its authors smooth a single bright pixel on an 11x11 canvas whose borders reflect.
    """
    at = torch.arange(-20, 21)
    weights = torch.exp(-0.5 * (at / 5).square())
    folded = (at + 5).remainder(22)
    folded = torch.where(folded < 11, folded, 21 - folded)
    return torch.zeros(11).index_add_(0, folded, weights / weights.sum())


@dataclass(frozen=True)
class Protocol:
    """All that must be known to compare two numbers."""

    name: str
    summary: str
    cells: int
    """Per side; 0 ranks single pixels."""
    backgrounds: Callable[[Direction], Infiller] | None
    """None takes the in-filler of the question."""
    step: Callable[[int, int], int]
    """How many pixels or cells change at a time, given their number and the image's width."""
    area: Callable[[Curve], Float[Tensor, " b"]]
    measure: Measure = probability
    """What is read off at each point."""


def trapezoid(curve: Curve) -> Float[Tensor, " b"]:
    """Mean height with the two ends counted half (RISE's rule; its last step may be shorter)."""
    scores = curve.scores
    return (scores.sum(1) - scores[:, 0] / 2 - scores[:, -1] / 2) / (scores.shape[1] - 1)


def riemann(curve: Curve) -> Float[Tensor, " b"]:
    """Right Riemann sum, every step weighted by its width; the first point does not count."""
    return curve.scores[:, 1:] @ curve.share.diff().to(curve.scores)


def riemann_released(curve: Curve) -> Float[Tensor, " b"]:
    """As published by iGOS++'s code: operator precedence adds the last step's width once more."""
    return riemann(curve) + curve.share.diff()[-1].to(curve.scores)


def normalised(curve: Curve) -> Float[Tensor, " b"]:
    """Trapezoid of a curve between 0, everything removed, and 1, the whole image (FIDO, 4.6).

    NaN where removing everything lowers nothing. Heights are held within [-1, 2], so that a photo
    whose ends are close does not outweigh all others (not in the paper).
    """
    first, last = curve.scores[:, :1], curve.scores[:, -1:]
    whole, removed = (first, last) if curve.direction == "deletion" else (last, first)
    heights = ((curve.scores - removed) / (whole - removed).clamp(min=1e-6)).clamp(-1, 2)
    found = trapezoid(curve._replace(scores=heights))
    return found.where((whole > removed)[:, 0], torch.nan)


_RISE = Protocol(
    "rise",
    "pixels to grey and from an 11/5 blur, 8 rows of pixels a step, trapezoid",
    cells=0,
    backgrounds=RiseBackground,
    step=lambda count, width: 8 * width,
    area=trapezoid,
)
_CLEAN = replace(
    _RISE,
    name="clean",
    summary="pixels to and from the in-filler of the question, 8 rows of pixels a step, trapezoid",
    backgrounds=None,
)


def _igos(cells: int, name: str) -> Protocol:
    return Protocol(
        name,
        f"{cells} x {cells} cells to and from a 51/50 blur, about 50 steps, right Riemann sum",
        cells=cells,
        backgrounds=IgosBackground,
        step=lambda count, width: max(1, count // 50),
        area=riemann,
    )


_IGOS = _igos(28, "igos")
PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        _RISE,
        _IGOS,
        _igos(7, "igos-7"),
        _igos(224, "igos-224"),
        replace(
            _IGOS,
            name="igos-released",
            summary="igos with the published code's arithmetic: the last step's width added again",
            area=riemann_released,
        ),
        _CLEAN,
        replace(
            _CLEAN,
            name="infill",
            summary="clean with log-odds, between the emptied and the whole image's (FIDO)",
            area=normalised,
            measure=log_odds,
        ),
    )
}


def protocol_named(name: str) -> Protocol:
    """The protocol of this name."""
    if name not in PROTOCOLS:
        raise unknown("protocol", name, PROTOCOLS)
    return PROTOCOLS[name]


@torch.no_grad()
def curve(
    score: MaskedScore, saliency: Float[Tensor, "..."], protocol: Protocol, direction: Direction
) -> Curve:
    """Scores of the targets as pixels go (deletion) or come (insertion), the best first.

    Raises `InputError` for maps of another size than the images, or that are not finite.
    """
    images = score.images
    check_map(saliency, images)
    side = (min(protocol.cells, min(images.shape[-2:])) or None) if protocol.cells else None
    ranked = saliency if side is None else to_cells(saliency, side)
    count, width = ranked[0].numel(), images.shape[-1]
    step = min(protocol.step(count, width), count)
    changed = torch.arange(0, count + step, step).clamp(max=count).unique().to(images.device)
    order = masks.ranks(ranked)
    asked = replace(score, measure=protocol.measure)
    if protocol.backgrounds is not None:
        asked = replace(asked, infiller=protocol.backgrounds(direction))

    def draw(changed: Tensor, rows: RowIndex) -> Tensor:
        gone = order[rows.image] < changed[:, None]
        keep = (gone if direction == "insertion" else ~gone).to(order)
        keep = keep.view(-1, 1, 1, *ranked.shape[1:])
        return masks.resize(keep, images.shape[-2:], align_corners=True)[:, 0]

    scores = asked(changed.to(order).expand(len(images), -1), draw=draw)
    return Curve((changed / count).to(saliency.dtype), scores, direction)


def area(
    score: MaskedScore, saliency: Saliency, protocol: str, direction: Direction
) -> Float[Tensor, " b"]:
    """The area under each image's curve, by the protocol of this name."""
    chosen = protocol_named(protocol)
    return chosen.area(curve(score, saliency, chosen, direction))


def to_cells(saliency: Saliency, side: int) -> Float[Tensor, "b {side} {side}"]:
    """Sample maps at the centres of `side` by `side` cells, as iGOS++ lays cells over an image."""
    return F.interpolate(saliency[:, None], (side, side), mode="bilinear", align_corners=True)[:, 0]
