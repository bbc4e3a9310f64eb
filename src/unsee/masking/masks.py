"""Pure functions of masks: resize, compose, measure, sample."""

from collections.abc import Sequence
from functools import lru_cache

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from unsee.errors import InputError
from unsee.types import Backgrounds, FlatKeep, Images, Keep, Saliency, Variants


def resize(
    keep: Keep, size: Sequence[int], *, align_corners: bool = False
) -> Float[Tensor, "b k 1 _h _w"]:
    """Bring masks to `size` (height, width), bilinearly.

    With `align_corners` the centres of the corner cells fall on the corner pixels, as in the code
    of iGOS++; otherwise every cell covers the same share of the image.
    """
    if tuple(keep.shape[-2:]) == tuple(size):
        return keep
    fine: Tensor = _Resize.apply(keep.flatten(0, 1), tuple(size), align_corners)
    return fine.unflatten(0, keep.shape[:2])


class _Resize(torch.autograd.Function):
    """Bilinear, with two matrix products as its gradient.

    Torch's own gradient is several times slower on a CPU and adds up in any order on a GPU.
    """

    @staticmethod
    def forward(ctx, keep, size, align_corners):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN205
        """Torch's."""
        ctx.shapes = keep.shape[-2:], size, align_corners
        return F.interpolate(keep, size, mode="bilinear", align_corners=align_corners)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN205
        """Each pixel's gradient to the cells that it was mixed of."""
        cells, size, align_corners = ctx.shapes
        rows, columns = (
            _mixing(here, there, align_corners, gradient.dtype, gradient.device)
            for here, there in zip(cells, size, strict=True)
        )
        return rows.mT @ gradient @ columns, None, None


@lru_cache(maxsize=64)
def _mixing(
    cells: int, pixels: int, align_corners: bool, dtype: torch.dtype, device: torch.device
) -> Float[Tensor, "pixels cells"]:
    """How much of each cell is in each pixel along one side."""
    each = torch.eye(cells, dtype=dtype, device=device)[:, None]
    with torch.no_grad():
        mixed = F.interpolate(each, pixels, mode="linear", align_corners=align_corners)
    return mixed[:, 0].mT.contiguous()


def compose(images: Images, backgrounds: Backgrounds, keep: FlatKeep) -> Variants:
    """Show `images` where `keep` is 1 and `backgrounds` where it is 0; both ends are exact."""
    if images.stride(1) != 1:
        return torch.lerp(backgrounds, images, keep.expand_as(images))
    return torch.lerp(backgrounds, images, _Spread.apply(keep, images.shape[1]))


class _Spread(torch.autograd.Function):
    """A mask for all channels, laid out as channels-last images are: several times faster."""

    @staticmethod
    def forward(ctx, keep, channels):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN205
        """The same in each channel."""
        whole = keep.expand(-1, channels, -1, -1)
        return whole.contiguous(memory_format=torch.channels_last)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN205
        """The sum over channels, as a product: torch's sum over the innermost axis is slow."""
        ones = gradient.new_ones(gradient.shape[1])
        return (gradient.permute(0, 2, 3, 1) @ ones)[:, None], None


def total_variation(mask: Float[Tensor, "b *k gh gw"], power: float = 2) -> Float[Tensor, " b"]:
    """Mean difference between vertical neighbours, to a power, plus the same for horizontal ones.

    A grid of a single cell has no variation.
    """
    rows, columns = differences(mask)
    return sum(
        (side.abs().pow(power).flatten(1).mean(1) for side in (rows, columns) if side.numel()),
        start=mask.new_zeros(len(mask)),
    )


def differences(
    mask: Float[Tensor, "*b gh gw"],
) -> tuple[Float[Tensor, "*b _gh gw"], Float[Tensor, "*b gh _gw"]]:
    """Differences between vertical and between horizontal neighbours."""
    return mask[..., 1:, :] - mask[..., :-1, :], mask[..., :, 1:] - mask[..., :, :-1]


def bilateral_variation(
    mask: Float[Tensor, "b 1 1 h w"], images: Images, scale: float, power: float = 2
) -> Float[Tensor, " b"]:
    """Total variation that is free where the picture itself has an edge.

    mean(exp(-dI^2 / scale) * |dM|^power), over both directions and all channels
    (bilateral total variation: Khorram et al. 2021, eq. 5).
    """
    loss = mask.new_zeros(len(mask))
    for side, edge in zip(differences(mask[:, 0]), differences(images), strict=True):
        if side.numel():
            weight = torch.exp(-edge.square() / scale)
            loss = loss + (weight * side.abs().pow(power)).flatten(1).mean(1)
    return loss


def relaxed_bernoulli(
    logits: Float[Tensor, "..."], noise: Float[Tensor, "..."], temperature: float
) -> Float[Tensor, "..."]:
    """Differentiable coin flips (Maddison et al. 2017), from uniform `noise` in [0, 1)."""
    return torch.sigmoid((logits + torch.logit(noise, eps=1e-6)) / temperature)


def patches(
    tops: Float[Tensor, " k"],
    lefts: Float[Tensor, " k"],
    patch: tuple[int, int],
    size: Sequence[int],
) -> Float[Tensor, "k 1 h w"]:
    """Masks that remove one rectangle each, from where its upper left corner stands."""
    inside = []
    for corner, side, length in zip((tops, lefts), patch, size, strict=True):
        at = torch.arange(length, device=corner.device)
        inside.append((at >= corner[:, None]) & (at < corner[:, None] + side))
    rows, columns = inside
    return 1 - (rows[:, None, :, None] & columns[:, None, None, :]).to(tops.dtype)


def shifted_grids(
    grid: Float[Tensor, "*k g g"], shift: Float[Tensor, "*k 2"], size: Sequence[int]
) -> Float[Tensor, "*k h w"]:
    """Up-sample coarse grids bilinearly and crop each at its own place (RISE's masks).

    A grid of g by g cells stands for (g - 1) cells along each side of the image and one to spare;
    `shift` in [0, 1) says how much of the spare cell is cut off at the top and at the left.
    Bilinear up-sampling is linear along each side, so that a mask is two small matrix products.
    """
    rows, columns = shifts(shift, grid.shape[-1], size)
    return rows @ grid @ columns.mT


def sum_of_shifted_grids(
    grid: Float[Tensor, "b k g g"],
    shift: Float[Tensor, "b k 2"],
    weight: Float[Tensor, "b k"],
    size: Sequence[int],
) -> Float[Tensor, "b h w"]:
    """The weighted sum of each image's shifted grids, without making any of them."""
    rows, columns = shifts(shift, grid.shape[-1], size)
    tall = (rows * weight[..., None, None]).transpose(1, 2).flatten(2)
    return tall @ (grid @ columns.mT).flatten(1, 2)


def shifts(
    shift: Float[Tensor, "*k 2"], cells: int, size: Sequence[int]
) -> list[Float[Tensor, "*k _side _g"]]:
    """For each side of the image, how much of each cell is in each pixel."""
    weights = []
    for axis, length in enumerate(size):
        pixel = (torch.arange(length, device=shift.device) + 0.5) / length * (cells - 1)
        place = (pixel + shift[..., axis, None] - 0.5).clamp(0, cells - 1)
        corner = torch.arange(cells, device=shift.device)
        weights.append((1 - (place[..., None] - corner).abs()).clamp(min=0))
    return weights


def soft_top_k(
    scores: Float[Tensor, "*b n"], count: Float[Tensor, "*b"], temperature: float = 1.0
) -> Float[Tensor, "*b n"]:
    """How much each of n scores is among the `count` largest, in (0, 1); they sum to `count`.

    A = sigmoid(scores / temperature + t), with t such that sum A = count: the exact solution of
    entropic optimal transport with two anchors (appendix of variational saliency), to which
    Sinkhorn's iterations only converge. Differentiable in `scores`. Raises `InputError` for a count
    outside of (0, n].
    """
    # not on a GPU, where to ask is to wait
    if count.device.type == "cpu" and not ((count > 0) & (count <= scores.shape[-1])).all():
        raise InputError(
            f"expected counts in (0, {scores.shape[-1]}], got {count.min():g} to {count.max():g}"
        )
    chosen: Tensor = _SoftTopK.apply(scores / temperature, count)
    return chosen


HALVINGS, REFINEMENTS = 24, 6
"""Steps that find the shift of a soft top-k: first in single precision by bisection, to a ten
millionth of the scores' range, then by Newton's rule in double precision, kept in that bracket."""


class _SoftTopK(torch.autograd.Function):
    """The root of a monotone function of one number, and its rank-one derivative."""

    @staticmethod
    def forward(ctx, scores, count):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN205
        """Bisect for the shift, then refine it."""
        exact = torch.float32 if scores.device.type == "mps" else torch.float64
        x, wanted = scores.to(exact), count.to(exact)[..., None]
        level = torch.logit(wanted / scores.shape[-1], eps=1e-12)
        low, high = level - x.amax(-1, keepdim=True), level - x.amin(-1, keepdim=True)
        slack = 1e-5 * (1 + torch.maximum(low.abs(), high.abs()))  # of single precision
        rough = x.float()
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            over = torch.sigmoid(rough + middle.float()).sum(-1, keepdim=True) > wanted
            low, high = torch.where(over, low, middle), torch.where(over, middle, high)
        low, high = low - slack, high + slack
        shift = (low + high) / 2
        for _ in range(REFINEMENTS):
            share = torch.sigmoid(x + shift)
            off = share.sum(-1, keepdim=True) - wanted
            low, high = torch.where(off > 0, low, shift), torch.where(off > 0, shift, high)
            slope = (share * (1 - share)).sum(-1, keepdim=True).clamp(min=1e-300)
            newton = shift - off / slope
            inside = (newton >= low) & (newton <= high)
            shift = torch.where(inside, newton, (low + high) / 2)
        chosen = torch.sigmoid(x + shift).to(scores.dtype)
        ctx.save_for_backward(chosen)
        return chosen

    @staticmethod
    @once_differentiable
    def backward(ctx, upstream):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN205
        """dA = w (ds - (w . ds) / sum w) with w = A (1 - A); symmetric, so the same backwards."""
        (chosen,) = ctx.saved_tensors
        weight = chosen * (1 - chosen)
        total = weight.sum(-1, keepdim=True).clamp(min=torch.finfo(weight.dtype).tiny)
        return weight * (upstream - (weight * upstream).sum(-1, keepdim=True) / total), None


def top_share(saliency: Saliency, share: float, order: Tensor | None = None) -> Keep:
    """Masks (b, 1, 1, h, w) that are 1 on the `share` of pixels that come first in the ranking."""
    rank = ranks(saliency) if order is None else order
    chosen = rank < round(share * saliency[0].numel())
    return chosen.to(saliency.dtype).view(len(saliency), 1, 1, *saliency.shape[1:])


def ranks(saliency: Saliency, seed: int = 0) -> Float[Tensor, "b hw"]:
    """The place of every pixel in the order of importance, 0 for the most important.

    Equal values are ordered by a shuffle that depends on `seed` and the number of pixels alone, so
    that a flat region is neither scanned from a corner nor different from run to run.
    """
    flat = saliency.flatten(1)
    shuffle = torch.randperm(flat.shape[1], generator=torch.Generator().manual_seed(seed))
    shuffle = shuffle.to(flat.device)
    order = shuffle[flat[:, shuffle].argsort(dim=1, descending=True, stable=True)]
    places = torch.arange(flat.shape[1], device=flat.device, dtype=saliency.dtype)
    return torch.zeros_like(flat).scatter_(1, order, places.expand_as(flat))
