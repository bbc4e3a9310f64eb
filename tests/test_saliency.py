"""Saliency maps of other libraries in all their formats."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from unsee.errors import InputError
from unsee.saliency import as_mask, as_saliency, base_level, rescale, span

IMAGES = torch.zeros(2, 3, 24, 32)


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


def test_arrays_lists_and_channels_are_read(generator) -> None:
    channels = torch.randn(2, 3, 24, 32, generator=generator)
    maps = channels.sum(1)
    for form in (
        maps, maps.numpy(), list(maps), list(maps.numpy()), [maps], channels, channels.numpy(),
    ):  # fmt: skip
        torch.testing.assert_close(as_saliency(form, IMAGES), maps)
        torch.testing.assert_close(as_saliency(form), maps)


def test_integers_become_floats() -> None:
    integers = np.arange(2 * 24 * 32).reshape(2, 24, 32)
    for saliency in (as_saliency(integers, IMAGES), as_saliency(integers)):
        assert saliency.dtype == torch.float32
        assert saliency[1, 0, 0] == 24 * 32


def test_smaller_maps_are_resized_to_the_images(generator) -> None:
    coarse = torch.rand(2, 6, 8, generator=generator)
    expected = F.interpolate(coarse[:, None], (24, 32), mode="bilinear")[:, 0]
    for maps in (coarse, [coarse], coarse[:, None].numpy()):
        torch.testing.assert_close(as_saliency(maps, IMAGES), expected)
    assert as_saliency(coarse).shape == (2, 6, 8)


def test_channels_are_the_second_or_the_last_axis(generator) -> None:
    channels = torch.randn(2, 3, 24, 32, generator=generator)
    for maps in (channels, channels[:, :1]):
        for images in (IMAGES, None):
            last = as_saliency(maps.permute(0, 2, 3, 1), images)
            torch.testing.assert_close(last, maps.sum(1))
    coarse = torch.rand(2, 6, 8, 3, generator=generator)
    resized = as_saliency(coarse.sum(3), IMAGES)
    torch.testing.assert_close(as_saliency(coarse, IMAGES), resized)
    both = torch.randn(2, 3, 24, 3, generator=generator)
    torch.testing.assert_close(as_saliency(both), both.sum(1))


def test_other_channels_than_those_of_the_images_are_refused() -> None:
    for shape in ((2, 512, 6, 8), (2, 6, 8, 512), (2, 2, 24, 32)):
        with pytest.raises(InputError, match="with 1 or 3 channels as second or last axis, got"):
            as_saliency(torch.zeros(shape), IMAGES)
    with pytest.raises(InputError, match="sum over other channels first"):
        as_saliency(torch.zeros(2, 512, 7, 7))


@pytest.mark.parametrize(
    ("size", "target", "fits"),
    [
        ((7, 7), (224, 224), True),
        ((7, 10), (224, 320), True),
        ((7, 8), (224, 250), True),  # rounded up, as strides do
        ((1, 1), (24, 32), True),
        ((32, 3), (32, 32), False),
        ((7, 7), (224, 320), False),
        ((24, 16), (24, 32), False),
    ],
)
def test_maps_of_other_proportions_are_not_enlarged(size, target, fits) -> None:
    images = torch.zeros(1, 3, *target)
    if fits:
        assert as_saliency(torch.rand(1, *size), images).shape == (1, *target)
        return
    with pytest.raises(InputError, match="smaller ones in the proportions of the images"):
        as_saliency(torch.rand(1, *size), images)


def test_maps_of_other_shapes_are_refused() -> None:
    for maps in (torch.zeros(3, 24, 32), torch.zeros(2, 48, 64)):
        with pytest.raises(InputError, match="expected maps of shape"):
            as_saliency(maps, IMAGES)
    for maps in (torch.zeros(24, 32), np.zeros(5), torch.zeros(0, 24, 32)):
        with pytest.raises(InputError, match=r"expected maps of shape \(b, h, w\)"):
            as_saliency(maps)
    coarse = torch.zeros(2, 6, 8)
    for maps in ([torch.zeros(6, 8), torch.zeros(7, 7)], [coarse] * 2):
        with pytest.raises(InputError, match="tensor or an array"):
            as_saliency(maps, IMAGES)


def test_maps_with_nan_or_infinity_are_refused() -> None:
    for value in (np.nan, np.inf):
        maps = np.full((2, 24, 32), value)
        for images in (IMAGES, None):
            with pytest.raises(InputError, match="expected finite maps"):
                as_saliency(maps, images)


def test_maps_are_rescaled_by_their_extremes() -> None:
    maps = torch.tensor([[[-1.0, 0.0], [1.0, 3.0]], [[2.0, 2.0], [2.0, 2.0]]])
    expected = torch.tensor([[[0.0, 0.25], [0.5, 1.0]], [[0.0, 0.0], [0.0, 0.0]]])
    torch.testing.assert_close(rescale(maps), expected)
    torch.testing.assert_close(as_mask(maps), expected)


def test_unit_of_a_map_does_not_change_its_mask() -> None:
    maps = torch.tensor([[[0.2, 0.4], [0.2, 0.3]]])
    for factor in (1.0, 0.01, 300.0, 1e-13, 1e-30):
        torch.testing.assert_close(as_mask(factor * maps), rescale(maps))


def test_raw_mask_is_the_map_and_is_refused_outside_the_unit_range() -> None:
    maps = torch.tensor([[[0.2, 0.4], [0.2, 0.3]]])
    assert torch.equal(as_mask(maps, "raw"), maps)
    for values in (maps - 0.3, maps * 3):
        with pytest.raises(InputError, match="with mask=raw, got values"):
            as_mask(values, "raw")


def test_span_of_a_constant_map_divides() -> None:
    assert span(torch.tensor([[[-1.0, 2.0]], [[5.0, 5.0]]])).tolist() == [3, 1]


@pytest.mark.parametrize(
    ("values", "expected"),
    [([-1, 2], 0), ([0, 2], 0), ([-3, 0], 0), ([1, 2], 1), ([-3, -2], -3), ([-2, -2], -2)],
)
def test_base_level_is_zero_only_for_maps_that_reach_it(values, expected) -> None:
    assert base_level(torch.tensor([values], dtype=torch.float32)) == expected
