"""A first ranking of the pixels, from the features or the gradient of the network.

It is the class activation map with its sign: where it is negative, the image speaks against the
class. R. R. Selvaraju et al., "Grad-CAM", ICCV 2017, https://arxiv.org/abs/1610.02391, keep the
positive part only.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from threading import Lock
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from unsee.classifiers.checks import call_model
from unsee.classifiers.measures import Measure, log_odds, probability
from unsee.classifiers.outputs import Outputs
from unsee.classifiers.passes import unwrapped
from unsee.errors import InputError
from unsee.images.filters import gaussian_blur
from unsee.masking import masks
from unsee.masking.score import MaskedScore
from unsee.methods import _layer
from unsee.methods._evidence import gradient_evidence
from unsee.networks.stages import of_this_thread
from unsee.types import Images, Saliency, Targets

GRADIENT = "gradient"
"""In place of the name of a layer: the ranking is read from the gradient by the pixels."""
GRADIENT_CELLS = 7
"""Cells a side to which a gradient by the pixels is averaged; it is too noisy pixel by pixel."""

FirstRanking = Float[Tensor, "b 1 1 _g _g"]
"""One number per cell of a grid, in the shape of a mask, with mean 0 and deviation 1."""


class _Place(NamedTuple):
    """The layer of a network whose output is read."""

    name: str
    spatial: _layer.Layout | None


_Size = tuple[int, ...]
_places: WeakKeyDictionary[nn.Module, dict[tuple[_Size, str], _Place | None]] = WeakKeyDictionary()
"""The layer for each network, size of images and requested name; None if there is none."""
_lock = Lock()
"""Held while a layer is searched for."""
_rankings: WeakKeyDictionary[MaskedScore, dict[tuple[int, str | None], FirstRanking]] = (
    WeakKeyDictionary()
)
"""The rankings of each score by their number of cells a side and their layer."""
_confidences: WeakKeyDictionary[MaskedScore, Float[Tensor, " b"]] = WeakKeyDictionary()
"""The probabilities of each score's classes."""


def source_of(score: MaskedScore, layer: str | None = None) -> str:
    """Return the name of the layer that `first_ranking` reads, or `GRADIENT`.

    Args:
        score: Score of the images.
        layer: Requested layer, as in `first_ranking`.

    Raises:
        InputError: There is no such layer, or the gradient of the score does not reach it.
    """
    place = _place(score, layer)
    return GRADIENT if place is None else place.name


def first_ranking(score: MaskedScore, grid: int, layer: str | None = None) -> FirstRanking:
    """Return a first ranking of grid x grid cells, in one pass with a gradient for each image.

    With the last feature maps A of the network and the mean G_k over all positions of the gradient
    of the score by map k, the ranking is sum_k G_k A_k. It is resized bilinearly and smoothed with
    a Gaussian of half a cell of A, at the size of the images where they have segments, whose means
    are then taken. Where the network has no such maps, it is the first-order change
    of the score if each pixel were blurred, averaged over 7 x 7 cells. A probability is replaced by
    its log-odds, whose gradient does not vanish. Rankings have mean 0 and standard deviation 1; one
    that is constant is 0. It is computed once for a score.

    Args:
        score: Score of the images.
        grid: Number of cells a side.
        layer: Name of the layer whose maps are read, or `GRADIENT`; None takes the last one.
    """
    rankings = _rankings.setdefault(score, {})
    if (grid, layer) not in rankings:
        rankings[grid, layer] = _computed(score, grid, layer)
    return rankings[grid, layer]


def _computed(score: MaskedScore, grid: int, layer: str | None) -> FirstRanking:
    place = _place(score, layer)

    def rows(images: Tensor, part: slice) -> Tensor:
        with torch.enable_grad():
            return _ranking(score, images.detach().requires_grad_(), score.targets[part], place)

    coarse = score.classifier.map_chunks(rows, score.images, score.images)
    size = (grid, grid) if score.slots is None else score.images.shape[-2:]
    fine = masks.resize(coarse[:, None, None], size)[:, 0]
    smooth = gaussian_blur(fine, min(size) / min(coarse.shape[-2:]) / 2)
    return standardise(score.to_cells(smooth[:, None], (grid, grid))[:, 0, 0])[:, None, None]


def standardise(maps: Saliency) -> Saliency:
    """Return maps with mean 0 and standard deviation 1; a constant map becomes 0."""
    centred = maps - maps.mean((1, 2), keepdim=True)
    deviation = centred.square().mean((1, 2), keepdim=True).sqrt()
    largest = maps.abs().amax((1, 2), keepdim=True)
    return torch.where(deviation > 1e-6 * largest, centred / deviation.clamp(min=1e-30), 0.0)


def measure_of_first(score: MaskedScore) -> Measure:
    """Return the measure of the first ranking: log-odds in place of a probability.

    The gradient of a probability vanishes where the class is unlikely.
    """
    return log_odds if score.measure is probability else score.measure


def confidence(score: MaskedScore) -> Float[Tensor, " b"]:
    """Return the probability of each image's class, computed once; 1 for a regression."""
    if score not in _confidences:
        _confidences[score] = _confidence(score)
    return _confidences[score]


def _confidence(score: MaskedScore) -> Float[Tensor, " b"]:
    if score.classifier.kind is Outputs.REGRESSION:
        return score.images.new_ones(len(score.images))
    with torch.no_grad():
        return score.classifier.score(score.images, score.targets, probability)


def _place(score: MaskedScore, layer: str | None) -> _Place | None:
    """Return the layer whose feature maps are read, or None; it is determined once."""
    network = score.classifier.model
    if layer == GRADIENT:
        return None
    if not isinstance(network, nn.Module):
        if layer is not None:
            raise InputError(f"a function has no layer {layer!r}; the ranking is of its gradient")
        return None
    size = tuple(score.images.shape[1:])
    with _lock:
        places = _places.setdefault(network, {})
        if (size, layer or "") not in places:
            place = None
            try:
                place = _located(score, layer or "")
            except InputError:
                if layer is not None:
                    raise
            places[size, layer or ""] = place
            if place is not None:
                places[size, place.name] = place
        return places[size, layer or ""]


def _located(score: MaskedScore, name: str) -> _Place:
    """Return the layer of this name, or the last one, that the gradient of the score reaches."""
    network = score.classifier.network
    x = score.classifier.network_input(score.images[:1])
    layer = call_model(partial(_layer.find, network, name=name), x)
    place = _Place(layer.name, layer.spatial)
    with torch.enable_grad(), _kept_output(network, place.name) as kept:
        logits = unwrapped(call_model(network, x.detach().requires_grad_()))
        slopes = torch.autograd.grad(logits.sum(), kept[-1:], allow_unused=True)
    if not slopes or slopes[0] is None:
        raise InputError(f"the gradient of the score does not reach the layer {place.name!r}")
    return place


@contextmanager
def _kept_output(network: nn.Module, name: str) -> Iterator[list[Tensor]]:
    """Collect the outputs of a layer in a list."""
    outputs: list[Tensor] = []

    def keep(module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
        outputs.append(output)
        return output.clone()  # the next layer may change it in place

    handle = network.get_submodule(name).register_forward_hook(of_this_thread(keep))
    try:
        yield outputs
    finally:
        handle.remove()


def _ranking(
    score: MaskedScore, images: Images, targets: Targets, place: _Place | None
) -> Float[Tensor, "n _r _c"]:
    """Return the coarse ranking of a chunk of images, which require a gradient."""
    measure = measure_of_first(score)
    with ExitStack() as hooks:
        kept: list[Tensor] = []
        if place is not None:  # a function has no layers
            kept = hooks.enter_context(_kept_output(score.classifier.network, place.name))
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
