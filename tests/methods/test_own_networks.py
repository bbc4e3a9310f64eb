"""Networks other than the default one: small images, grey images, and weights of others."""

from dataclasses import replace

import pytest
import torch

from tests.conftest import Convolutional, masked_score, toy
from unsee import InputError, available, create, explain
from unsee.networks.efficientnet_lite import EfficientNetLite
from unsee.registry import part


@pytest.mark.usefixtures("constant_maps_accepted")
@pytest.mark.parametrize(("side", "channels"), [(32, 3), (28, 1)])
@pytest.mark.parametrize("name", available("methods"))
def test_defaults_serve_small_images_or_are_refused_in_a_line(name, side, channels) -> None:
    network = toy(Convolutional(channels=channels), size=side, channels=channels)
    image = torch.rand(1, channels, side, side, generator=torch.Generator().manual_seed(0))
    traits = part("methods", name).traits
    if traits.needs_weights:
        with pytest.raises(InputError, match="train yours: unsee train"):
            explain(network, image, name)
        return
    if traits.requires:
        pytest.importorskip(traits.requires, exc_type=(ImportError, RuntimeError))
    saliency = explain(network, image, name, budget=4).saliency
    assert saliency.shape == (1, side, side)


@pytest.mark.usefixtures("constant_maps_accepted")
@pytest.mark.parametrize(
    ("name", "setting", "value"),
    [("fido", "grid", 16), ("bbmp", "grid", 16), ("tide", "grid", 16), ("mp2", "grid", 16),
     ("sliding_patch", "patch", 8), ("occlusion", "patch", 8)],
)  # fmt: skip
def test_defaults_that_do_not_fit_are_reduced_and_recorded(name, setting, value) -> None:
    method = create("methods", name)
    if method.traits.requires:
        pytest.importorskip(method.traits.requires)
    network, image = toy(Convolutional(), size=16), torch.rand(1, 3, 16, 16)
    explanation = explain(network, image, method, budget=4)
    assert explanation.provenance["method"][setting] == value
    explicit = create("methods", name, **{setting: 17})
    with pytest.raises(InputError, match=r"16.* got (8 and )?17"):
        explain(network, image, explicit)


def test_defaults_that_fit_are_kept(network, images) -> None:
    score = masked_score(network, images)
    for name in ("tide", "sliding_patch", "rise", "igos"):
        method = create("methods", name)
        read = {"layer": "features"} if name == "tide" else {}  # what a default is read from
        assert method.fitted(score) == replace(method, **read)


OTHER_NETWORKS = {
    "other layers": lambda: Convolutional(),
    "other channels": lambda: EfficientNetLite(2),
    "other classes": lambda: EfficientNetLite(0, 5),
}


@pytest.mark.parametrize("network", OTHER_NETWORKS)
@pytest.mark.parametrize("name", ["casm", "distilled", "variational"])
def test_weights_for_another_network_are_refused_in_a_line(name, network) -> None:
    if (name, network) == ("casm", "other classes"):
        pytest.skip("this decoder does not read classes")
    message = rf"^{name}\.safetensors: these weights are for efficientnet_lite0, .* train {name}$"
    classifier = toy(OTHER_NETWORKS[network](), size=112)
    with pytest.raises(InputError, match=message):
        explain(classifier, torch.rand(1, 3, 112, 112), name)
