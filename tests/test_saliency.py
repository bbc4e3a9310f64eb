"""Saliency maps of other libraries in all their formats."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from unsee.errors import InputError
from unsee.saliency import as_mask, as_saliency, rescale

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
    for factor in (1.0, 0.01, 300.0):
        torch.testing.assert_close(as_mask(factor * maps), rescale(maps))


def test_raw_mask_is_the_map_and_is_refused_outside_the_unit_range() -> None:
    maps = torch.tensor([[[0.2, 0.4], [0.2, 0.3]]])
    assert torch.equal(as_mask(maps, "raw"), maps)
    for values in (maps - 0.3, maps * 3):
        with pytest.raises(InputError, match="with mask=raw, got values"):
            as_mask(values, "raw")
