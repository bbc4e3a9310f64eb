"""A first ranking of the pixels, from the features or the gradient of the network.

It is the class activation map with its sign: where it is negative, the image speaks against the
class. R. R. Selvaraju et al., "Grad-CAM", ICCV 2017, https://arxiv.org/abs/1610.02391, keep the
positive part only.
"""

from contextlib import ExitStack, suppress
from functools import partial
from threading import Lock
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from unsee.classifiers.checks import call_model
from unsee.classifiers.measures import log_odds, probability
from unsee.classifiers.outputs import Outputs
from unsee.errors import InputError
from unsee.images.filters import gaussian_blur
from unsee.masking import masks
from unsee.masking.score import MaskedScore
from unsee.methods import _layer
from unsee.methods._evidence import gradient_evidence
from unsee.networks.stages import of_this_thread
from unsee.types import Images, Saliency, Targets

GRADIENT_CELLS = 7
"""Cells a side to which a gradient by the pixels is averaged; it is too noisy pixel by pixel."""

FirstRanking = Float[Tensor, "b 1 1 _g _g"]
"""One number per cell of a grid, in the shape of a mask, with mean 0 and deviation 1."""


class _Place(NamedTuple):
    """The layer of a network whose output is read."""

    name: str
    spatial: _layer.Layout | None


_places: WeakKeyDictionary[nn.Module, dict[tuple[int, ...], _Place | None]] = WeakKeyDictionary()
"""The layer for each network and size of images; None if there is none."""
_lock = Lock()
"""Held while a layer is searched for."""
_rankings: WeakKeyDictionary[MaskedScore, dict[int, FirstRanking]] = WeakKeyDictionary()
"""The rankings of each score by their number of cells a side."""


def first_ranking(score: MaskedScore, grid: int) -> FirstRanking:
    """Return a first ranking of grid x grid cells, in one pass with a gradient for each image.

    With the last feature maps A of the network and the mean G_k over all positions of the gradient
    of the score by map k, the ranking is sum_k G_k A_k. It is resized bilinearly and smoothed with
    a Gaussian of half a cell of A. Where the network has no such maps, it is the first-order change
    of the score if each pixel were blurred, averaged over 7 x 7 cells. A probability is replaced by
    its log-odds, whose gradient does not vanish. Rankings have mean 0 and standard deviation 1; one
    that is constant is 0. It is computed once for a score.
    """
    rankings = _rankings.setdefault(score, {})
    if grid not in rankings:
        rankings[grid] = _computed(score, grid)
    return rankings[grid]


def _computed(score: MaskedScore, grid: int) -> FirstRanking:
    place = _place(score)

    def rows(images: Tensor, part: slice) -> Tensor:
        with torch.enable_grad():
            return _ranking(score, images.detach().requires_grad_(), score.targets[part], place)

    coarse = score.classifier.map_chunks(rows, score.images, score.images)
    fine = masks.resize(coarse[:, None, None], (grid, grid))[:, 0]
    smooth = gaussian_blur(fine, grid / min(coarse.shape[-2:]) / 2)
    return standardise(smooth[:, 0])[:, None, None]


def standardise(maps: Saliency) -> Saliency:
    """Return maps with mean 0 and standard deviation 1; a constant map becomes 0."""
    centred = maps - maps.mean((1, 2), keepdim=True)
    deviation = centred.square().mean((1, 2), keepdim=True).sqrt()
    largest = maps.abs().amax((1, 2), keepdim=True)
    return torch.where(deviation > 1e-6 * largest, centred / deviation.clamp(min=1e-30), 0.0)


def confidence(score: MaskedScore) -> Float[Tensor, " b"]:
    """Return the probability of each image's class; 1 for a regression, which has none."""
    if score.classifier.kind is Outputs.REGRESSION:
        return score.images.new_ones(len(score.images))
    with torch.no_grad():
        return score.classifier.score(score.images, score.targets, probability)


def _place(score: MaskedScore) -> _Place | None:
    """Return the layer whose feature maps are read, or None; it is determined once."""
    network = score.classifier.model
    if not isinstance(network, nn.Module):
        return None
    size = tuple(score.images.shape[1:])
    with _lock:
        places = _places.setdefault(network, {})
        if size not in places:
            x, place = score.classifier.network_input(score.images[:1]), None
            with suppress(InputError):
                layer = call_model(partial(_layer.find, network), x)
                place = _Place(layer.name, layer.spatial)
            places[size] = place
        return places[size]


def _ranking(
    score: MaskedScore, images: Images, targets: Targets, place: _Place | None
) -> Float[Tensor, "n _r _c"]:
    """Return the coarse ranking of a chunk of images, which require a gradient."""
    measure = log_odds if score.measure is probability else score.measure
    kept: list[Tensor] = []

    def keep(module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
        kept.append(output)
        return output.clone()  # the next layer may change it in place

    with ExitStack() as hooks:
        if place is not None:
            layer = score.classifier.network.get_submodule(place.name)
            hooks.callback(layer.register_forward_hook(of_this_thread(keep)).remove)
        values = score.classifier.score_chunk(images, targets, measure)
    slope: Tensor | None = None
    if kept:  # the pass back ends at the layer
        (slope,) = torch.autograd.grad(
            values.sum(), kept[-1:], retain_graph=True, allow_unused=True
        )
    if slope is not None:
        spatial = place.spatial if place and place.spatial else _unchanged
        features, gradient = (spatial(part.detach()).float() for part in (kept[-1], slope))
        return (gradient.mean((2, 3), keepdim=True) * features).sum(1)
    (by_pixel,) = torch.autograd.grad(values.sum(), images)
    change = gradient_evidence(images.detach(), by_pixel)[:, :1]
    rows, columns = (min(GRADIENT_CELLS, side) for side in change.shape[-2:])
    return F.adaptive_avg_pool2d(change, (rows, columns))[:, 0]


def _unchanged(output: Tensor) -> Tensor:
    return output
