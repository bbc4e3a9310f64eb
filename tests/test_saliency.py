"""Maps of other libraries: the same map, however it is handed over."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from unsee.errors import InputError
from unsee.saliency import as_saliency

IMAGES = torch.zeros(2, 3, 24, 32)


def test_arrays_lists_and_channels_are_taken() -> None:
    parts = torch.randn(2, 3, 24, 32, generator=torch.Generator().manual_seed(0))
    ours = parts.sum(1)
    for maps in (ours, ours.numpy(), list(ours), list(ours.numpy()), [ours], parts, parts.numpy()):
        torch.testing.assert_close(as_saliency(maps, IMAGES), ours)
    whole = as_saliency(np.arange(2 * 24 * 32).reshape(2, 24, 32), IMAGES)
    assert whole.dtype == torch.float32
    assert whole[1, 0, 0] == 24 * 32


def test_coarse_maps_are_resized() -> None:
    coarse = torch.rand(2, 6, 8, generator=torch.Generator().manual_seed(0))
    wanted = F.interpolate(coarse[:, None], (24, 32), mode="bilinear")[:, 0]
    for maps in (coarse, [coarse], coarse[:, None].numpy()):
        torch.testing.assert_close(as_saliency(maps, IMAGES), wanted)


def test_what_is_no_map_of_these_images_is_refused() -> None:
    for maps in (torch.zeros(3, 24, 32), torch.zeros(2, 48, 64)):
        with pytest.raises(InputError, match="expected maps of shape"):
            as_saliency(maps, IMAGES)
    coarse = torch.zeros(2, 6, 8)
    for maps in ([torch.zeros(6, 8), torch.zeros(7, 7)], [coarse] * 2):
        with pytest.raises(InputError, match="tensor or an array"):
            as_saliency(maps, IMAGES)
