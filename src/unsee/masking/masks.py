"""Pure functions of masks: resize, compose, regularise, sample and rank."""

from collections.abc import Sequence
from functools import lru_cache

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from unsee.types import Backgrounds, FlatKeep, Images, Keep, Saliency, Variants


def resize(
    keep: Keep, size: Sequence[int], *, align_corners: bool = False
) -> Float[Tensor, "b k 1 _h _w"]:
    """Resize masks bilinearly to `size` (height, width).

    With `align_corners`, the centres of the corner cells coincide with the corner pixels, as in the
    reference implementation of iGOS++; otherwise every cell covers the same share of the image.
    """
    if tuple(keep.shape[-2:]) == tuple(size):
        return keep
    fine: Tensor = _Resize.apply(keep.flatten(0, 1), tuple(size), align_corners)
    return fine.unflatten(0, keep.shape[:2])


class _Resize(torch.autograd.Function):
    """Bilinear resizing whose gradient is two matrix products.

    Torch's own gradient is several times slower on a CPU and not deterministic on a GPU.
    """

    @staticmethod
    def forward(ctx, keep, size, align_corners):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN205
        """Forward pass: `F.interpolate`."""
        ctx.shapes = keep.shape[-2:], size, align_corners
        return F.interpolate(keep, size, mode="bilinear", align_corners=align_corners)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN205
        """Backward pass: the transposed interpolation along each side."""
        cells, size, align_corners = ctx.shapes
        rows, columns = (
            _interpolation_matrix(n, pixels, align_corners, gradient.dtype, gradient.device)
            for n, pixels in zip(cells, size, strict=True)
        )
        return rows.mT @ gradient @ columns, None, None


@lru_cache(maxsize=64)
def _interpolation_matrix(
    cells: int, pixels: int, align_corners: bool, dtype: torch.dtype, device: torch.device
) -> Float[Tensor, "pixels cells"]:
    """Return the weight of each cell in each pixel along one side."""
    basis = torch.eye(cells, dtype=dtype, device=device)[:, None]
    with torch.no_grad():
        weights = F.interpolate(basis, pixels, mode="linear", align_corners=align_corners)
    return weights[:, 0].mT.contiguous()


def compose(images: Images, backgrounds: Backgrounds, keep: FlatKeep) -> Variants:
    """Return keep * images + (1 - keep) * backgrounds, exact where `keep` is 0 or 1."""
    if images.stride(1) != 1:
        return torch.lerp(backgrounds, images, keep.expand_as(images))
    return torch.lerp(backgrounds, images, _ExpandChannels.apply(keep, images.shape[1]))


class _ExpandChannels(torch.autograd.Function):
    """Repeat a mask for all channels in channels-last memory format, which is much faster."""

    @staticmethod
    def forward(ctx, keep, channels):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN205
        """Forward pass: the same values in each channel."""
        expanded = keep.expand(-1, channels, -1, -1)
        return expanded.contiguous(memory_format=torch.channels_last)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN205
        """Backward pass: the sum over channels, as a product because torch's sum is slow here."""
        ones = gradient.new_ones(gradient.shape[1])
        return (gradient.permute(0, 2, 3, 1) @ ones)[:, None], None


def total_variation(mask: Float[Tensor, "b *k gh gw"], power: float = 2) -> Float[Tensor, " b"]:
    """Return the total variation of each mask.

    mean |M[i+1, j] - M[i, j]|^power + mean |M[i, j+1] - M[i, j]|^power; 0 for a single cell.
    """
    rows, columns = differences(mask)
    return sum(
        (side.abs().pow(power).flatten(1).mean(1) for side in (rows, columns) if side.numel()),
        start=mask.new_zeros(len(mask)),
    )


def differences(
    mask: Float[Tensor, "*b gh gw"],
) -> tuple[Float[Tensor, "*b _gh gw"], Float[Tensor, "*b gh _gw"]]:
    """Return the differences between vertical and between horizontal neighbours."""
    return mask[..., 1:, :] - mask[..., :-1, :], mask[..., :, 1:] - mask[..., :, :-1]


def bilateral_variation(
    mask: Float[Tensor, "b 1 1 h w"], images: Images, scale: float, power: float = 2
) -> Float[Tensor, " b"]:
    """Return the bilateral total variation of each mask, which discounts edges of the image.

    mean(exp(-dI^2 / scale) * |dM|^power) over pixels and channels, summed over directions (eq. 7
    of Khorram, Lawson & Fuxin, "iGOS++: Integrated Gradient Optimized Saliency by Bilateral
    Perturbations", CHIL 2021, https://arxiv.org/abs/2012.15783).

    Args:
        mask: Masks at the size of the images.
        images: Images I, in the units in which `scale` is given.
        scale: Squared difference of the image at which the weight falls to 1/e.
        power: Exponent of the mask's difference dM.
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
    """Return differentiable, nearly binary samples from uniform `noise` in [0, 1).

    sigmoid((logits + logit(noise)) / temperature): the binary concrete distribution (Maddison, Mnih
    & Teh, "The Concrete Distribution", ICLR 2017, https://arxiv.org/abs/1611.00712).
    """
    return torch.sigmoid((logits + torch.logit(noise, eps=1e-6)) / temperature)


def patches(
    tops: Float[Tensor, " k"],
    lefts: Float[Tensor, " k"],
    patch: tuple[int, int],
    size: Sequence[int],
) -> Float[Tensor, "k 1 h w"]:
    """Return masks that each remove one rectangle.

    Args:
        tops: Row of each rectangle's upper left corner.
        lefts: Column of that corner.
        patch: Height and width of the rectangles.
        size: Height and width of the masks.
    """
    inside = []
    for corner, side, length in zip((tops, lefts), patch, size, strict=True):
        pixel = torch.arange(length, device=corner.device)
        inside.append((pixel >= corner[:, None]) & (pixel < corner[:, None] + side))
    rows, columns = inside
    return 1 - (rows[:, None, :, None] & columns[:, None, None, :]).to(tops.dtype)


def shifted_grids(
    grid: Float[Tensor, "*k g g"], shift: Float[Tensor, "*k 2"], size: Sequence[int]
) -> Float[Tensor, "*k h w"]:
    """Up-sample coarse grids bilinearly and crop each at its own shift: the masks of RISE.

    A grid of g x g cells covers the image with g - 1 cells along each side and one spare cell.
    Bilinear up-sampling is linear along each side, so a mask is two small matrix products.

    V. Petsiuk, A. Das & K. Saenko, "RISE: Randomized Input Sampling for Explanation of Black-box
    Models", BMVC 2018, https://arxiv.org/abs/1806.07421.

    Args:
        grid: Values of the cells.
        shift: Share of the spare cell, in [0, 1), that is cropped at the top and at the left.
        size: Height and width of the masks.
    """
    rows, columns = shift_weights(shift, grid.shape[-1], size)
    return rows @ grid @ columns.mT


def sum_of_shifted_grids(
    grid: Float[Tensor, "b k g g"],
    shift: Float[Tensor, "b k 2"],
    weight: Float[Tensor, "b k"],
    size: Sequence[int],
) -> Float[Tensor, "b h w"]:
    """Return the weighted sum of each image's `shifted_grids`, without creating any of them."""
    rows, columns = shift_weights(shift, grid.shape[-1], size)
    tall = (rows * weight[..., None, None]).transpose(1, 2).flatten(2)
    return tall @ (grid @ columns.mT).flatten(1, 2)


def shift_weights(
    shift: Float[Tensor, "*k 2"], cells: int, size: Sequence[int]
) -> list[Float[Tensor, "*k _side _g"]]:
    """Return, for each side of the image, the weight of each shifted cell in each pixel."""
    weights = []
    for axis, length in enumerate(size):
        pixel = (torch.arange(length, device=shift.device) + 0.5) / length * (cells - 1)
        position = (pixel + shift[..., axis, None] - 0.5).clamp(0, cells - 1)
        cell = torch.arange(cells, device=shift.device)
        weights.append((1 - (position[..., None] - cell).abs()).clamp(min=0))
    return weights


def top_share(saliency: Saliency, share: float, order: Tensor | None = None) -> Keep:
    """Return masks (b, 1, 1, h, w) that keep the `share` of pixels ranked highest.

    `order` holds the rank of each pixel (b, h * w); by default, `ranks` computes it.
    """
    rank = ranks(saliency) if order is None else order
    top = rank < round(share * saliency[0].numel())
    return top.to(saliency.dtype).view(len(saliency), 1, 1, *saliency.shape[1:])


def ranks(saliency: Saliency, seed: int = 0) -> Float[Tensor, "b hw"]:
    """Return the rank of every pixel by importance; 0 is the most important.

    Equal values are ordered by a shuffle that depends only on `seed` and the number of pixels, so
    that a constant region is neither ordered from a corner nor different from run to run.
    """
    flat = saliency.flatten(1)
    shuffle = torch.randperm(flat.shape[1], generator=torch.Generator().manual_seed(seed))
    shuffle = shuffle.to(flat.device)
    order = shuffle[flat[:, shuffle].argsort(dim=1, descending=True, stable=True)]
    positions = torch.arange(flat.shape[1], device=flat.device, dtype=saliency.dtype)
    return torch.zeros_like(flat).scatter_(1, order, positions.expand_as(flat))
