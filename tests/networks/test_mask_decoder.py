"""CASM's decoder and the feature maps that it reads."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.conftest import Convolutional
from unsee import InputError, load
from unsee.networks.mask_decoder import MaskDecoder
from unsee.networks.stages import FeatureExtractor, find_stages


def test_the_published_decoder_has_the_published_size() -> None:
    decoder = MaskDecoder((64, 256, 512, 1024, 2048))
    assert sum(p.numel() for p in decoder.parameters()) == 249_153


def test_a_mask_of_any_size() -> None:
    decoder = MaskDecoder((4, 6, 8), width=5).eval()
    features = [torch.randn(2, c, s, s + 2) for c, s in ((4, 14), (6, 7), (8, 4))]
    mask = decoder(features, (56, 64))
    assert mask.shape == (2, 1, 56, 64)
    assert mask.min() > 0
    assert mask.max() < 1
    with pytest.raises(InputError, match=r"\(4, 6, 8\) channels, got \(6, 8\)"):
        decoder(features[1:], (56, 64))


def test_the_last_convolution_is_the_one_over_all_maps_joined() -> None:
    decoder = MaskDecoder((4, 6, 8), width=5).eval()
    features = [torch.randn(2, c, s, s + 2) for c, s in ((4, 14), (6, 7), (8, 4))]
    narrowed = [f(x) for f, x in zip(decoder.narrow, features[1:], strict=True)]
    maps = [F.interpolate(x, (14, 16), mode="bilinear") for x in (features[0], *narrowed)]
    expected = decoder.last(torch.cat(maps, 1)).sigmoid()
    torch.testing.assert_close(decoder(features, (14, 16)), expected)


def test_the_default_classifier_is_read_at_every_resolution() -> None:
    network = load().model
    x = torch.rand(2, 3, 224, 224)
    names = find_stages(network, x[:1])
    logits, features = FeatureExtractor(network, names)(x)
    assert [tuple(f.shape[2:]) for f in features] == [
        (56, 56),
        (56, 56),
        (28, 28),
        (14, 14),
        (7, 7),
    ]
    with torch.no_grad():
        torch.testing.assert_close(logits, network(x))
    mask = MaskDecoder([f.shape[1] for f in features]).eval()(features, (224, 224))
    assert mask.shape == (2, 1, 224, 224)
    assert not any(module._forward_hooks for module in network.modules())


def test_hooks_are_gone_after_an_error() -> None:
    class Broken(Convolutional):
        def forward(self, x):
            super().forward(x)
            raise RuntimeError("out of order")

    network = Broken().eval()
    for read in (partial(find_stages, network), FeatureExtractor(network, ["features.0"])):
        with pytest.raises(RuntimeError, match="out of order"):
            read(torch.rand(1, 3, 32, 32))
        assert not any(module._forward_hooks for module in network.modules())


def test_a_network_without_maps_is_refused() -> None:
    flat = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 4)).eval()
    with pytest.raises(InputError, match="no feature maps"):
        find_stages(flat, torch.rand(1, 3, 32, 32))
