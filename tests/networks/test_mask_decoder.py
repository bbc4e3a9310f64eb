"""CASM's decoder."""

import pytest
import torch
import torch.nn.functional as F

from unsee import InputError
from unsee.networks.mask_decoder import MaskDecoder


def test_decoder_has_the_published_number_of_parameters() -> None:
    decoder = MaskDecoder((64, 256, 512, 1024, 2048))
    assert sum(p.numel() for p in decoder.parameters()) == 249_153


def test_mask_has_the_requested_size() -> None:
    decoder = MaskDecoder((4, 6, 8), width=5).eval()
    features = [torch.randn(2, c, s, s + 2) for c, s in ((4, 14), (6, 7), (8, 4))]
    mask = decoder(features, (56, 64))
    assert mask.shape == (2, 1, 56, 64)
    assert mask.min() > 0
    assert mask.max() < 1
    with pytest.raises(InputError, match=r"\(4, 6, 8\) channels, got \(6, 8\)"):
        decoder(features[1:], (56, 64))


def test_last_convolution_equals_one_over_concatenated_maps() -> None:
    decoder = MaskDecoder((4, 6, 8), width=5).eval()
    features = [torch.randn(2, c, s, s + 2) for c, s in ((4, 14), (6, 7), (8, 4))]
    narrowed = [f(x) for f, x in zip(decoder.narrow, features[1:], strict=True)]
    maps = [F.interpolate(x, (14, 16), mode="bilinear") for x in (features[0], *narrowed)]
    expected = decoder.last(torch.cat(maps, 1)).sigmoid()
    torch.testing.assert_close(decoder(features, (14, 16)), expected)
