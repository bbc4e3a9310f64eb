from functools import partial

import pytest
import torch
from torch import nn

from tests.conftest import Convolutional
from unsee import InputError, load
from unsee.networks.stages import FeatureExtractor, find_stages, layer_outputs


def test_stages_of_the_default_classifier_have_every_resolution() -> None:
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
    assert not any(module._forward_hooks for module in network.modules())


def test_hooks_are_removed_after_an_error() -> None:
    class Broken(Convolutional):
        def forward(self, x):
            super().forward(x)
            raise RuntimeError("out of order")

    network = Broken().eval()
    for read in (partial(find_stages, network), FeatureExtractor(network, ["features.0"])):
        with pytest.raises(RuntimeError, match="out of order"):
            read(torch.rand(1, 3, 32, 32))
        assert not any(module._forward_hooks for module in network.modules())


def test_network_without_feature_maps_is_refused() -> None:
    flat = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 4)).eval()
    with pytest.raises(InputError, match="no feature maps"):
        find_stages(flat, torch.rand(1, 3, 32, 32))


class Shared(nn.Module):
    """Runs one activation twice and returns a tuple from one of its modules."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 5, 3)
        self.activation = nn.ReLU()
        self.attention = nn.MultiheadAttention(5, 1)

    def forward(self, x):
        x = self.activation(self.second(self.activation(self.first(x)))).mean(3).permute(2, 0, 1)
        return self.attention(x, x, x)[0]


def test_outputs_of_modules_that_run_once() -> None:
    network = Shared().eval()
    outputs = layer_outputs(network, torch.rand(2, 3, 8, 8))
    shapes = {output.name: output.shape for output in outputs}
    assert shapes == {"first": (2, 4, 6, 6), "second": (2, 5, 4, 4)}
    assert outputs[1].module is network.second
    assert (outputs[1].channels, outputs[1].size) == (5, (4, 4))


def test_extractor_returns_maps_in_the_order_of_names() -> None:
    network = Convolutional().eval()
    x = torch.rand(2, 3, 32, 32)
    output, (last, first) = FeatureExtractor(network, ["features.3", "features.0"])(x)
    torch.testing.assert_close(output, network(x))
    torch.testing.assert_close(first, network.features[0](x))
    torch.testing.assert_close(last, network.features(x))
