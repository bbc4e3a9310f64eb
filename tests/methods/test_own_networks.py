"""Networks other than the default one: small images, grey images, and weights of others."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.conftest import Convolutional, masked_score, toy
from unsee import InputError, available, create, explain
from unsee.methods._defaults import reduced
from unsee.metrics.auc import auc
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
     ("sliding_patch", "patch", 3), ("occlusion", "patch", 3), ("pda", "window", 2),
     ("extremal_perturbation", "cell", 2)],
)  # fmt: skip
def test_defaults_that_do_not_fit_are_reduced_and_recorded(name, setting, value) -> None:
    method = create("methods", name)
    if method.traits.requires:
        pytest.importorskip(method.traits.requires)
    network, image = toy(Convolutional(), size=16), torch.rand(1, 3, 16, 16)
    explanation = explain(network, image, method, budget=4)
    assert explanation.provenance["method"][setting] == value
    explicit = create("methods", name, **{setting: 17})
    with pytest.raises(InputError, match=r"16.* got (8 and )?(17|21)"):
        explain(network, image, explicit)


class Bright(nn.Module):
    """Return how far pixels of a `toy` are above 0.7, blurred."""

    def forward(self, x):
        return F.avg_pool2d((x.mean(1, keepdim=True) - 0.3).relu(), 3, 1, 1)


class Two(nn.Module):
    """Return the logits of two classes from the evidence for the first."""

    def forward(self, x):
        return torch.cat([200 * x - 3, 0 * x], 1)


class Window(nn.Module):
    """Class 0 sees a window of the picture, in rows and columns 8 to 20."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(1))

    def forward(self, x):
        value = self.gain * (
            x[:, :, 8:20, 8:20].mean((1, 2, 3)) + 0.1 * x[..., 29:].mean((1, 2, 3))
        )
        return torch.stack([value, -value], 1)


@pytest.mark.parametrize("name", ["sliding_patch", "occlusion"])
@pytest.mark.parametrize("budget", [None, 500])
def test_default_patches_fit_small_images(name, budget) -> None:
    method = create("methods", name)
    if method.traits.requires:
        pytest.importorskip(method.traits.requires)
    network = toy(Window())
    explanation = explain(
        network, torch.full((1, 3, 32, 32), 0.9), method, targets=0, budget=budget
    )
    maps = explanation.saliency
    assert auc(maps, [torch.tensor([[8.0, 8.0, 20.0, 20.0]])]).item() > 0.95
    settings = explanation.provenance["method"]
    assert (settings["patch"], settings["stride"]) == (4, 2 if budget else 1)
    if budget:
        assert explanation.provenance["cost"]["forwards"] <= budget


@pytest.mark.parametrize(
    ("side", "settings", "expected"),
    [
        (224, {}, (29, 8)), (58, {}, (29, 8)), (57, {}, (7, 2)), (32, {}, (4, 1)),
        (8, {}, (3, 1)), (4, {}, (2, 1)), (1, {}, (1, 1)),
        (32, {"stride": 6}, (6, 6)), (32, {"patch": 20}, (20, 8)),
        (32, {"patch": 20, "stride": 2}, (20, 2)),
    ],
)  # fmt: skip
def test_default_patches_are_a_share_of_the_side(side, settings, expected) -> None:
    method = create("methods", "occlusion", **settings)
    method = replace(method, **reduced(method, side))
    assert (method.patch, method.stride) == expected
    assert reduced(method, side) == {}


@pytest.mark.parametrize(
    ("side", "settings", "expected"),
    [
        (64, {}, (10, 2, 5)), (38, {}, (10, 2, 5)), (37, {}, (5, 2, 2)), (32, {}, (4, 2, 2)),
        (16, {}, (2, 1, 1)), (8, {}, (1, 1, 1)), (32, {"stride": 6}, (6, 2, 6)),
        (32, {"rim": 3}, (2, 3, 1)), (32, {"window": 12}, (12, 2, 5)),
    ],
)  # fmt: skip
def test_default_windows_with_their_rims_are_a_share_of_the_side(side, settings, expected) -> None:
    method = create("methods", "pda", **settings)
    method = replace(method, **reduced(method, side))
    assert (method.window, method.rim, method.stride) == expected


@pytest.mark.parametrize(
    ("side", "settings", "expected"),
    [
        (42, {}, (7, 21.0)), (41, {}, (2, 6.0)), (1, {}, (1, 6.0)), (32, {"cell": 4}, (4, 21.0)),
        (32, {"smoothness": 8.0}, (7, 8.0)),
    ],
)  # fmt: skip
def test_default_bumps_fit_small_images(side, settings, expected) -> None:
    method = create("methods", "extremal_perturbation", **settings)
    method = replace(method, **reduced(method, side))
    assert (method.cell, method.smoothness) == expected


def auc_of(name, side=8):
    """Return the AUC of the map of a bright square in the corner of a small image."""
    image = torch.full((1, 3, 32, 32), 0.4)
    image += 0.1 * torch.rand(image.shape, generator=torch.Generator().manual_seed(0))
    image[..., 3 : 3 + side, 5 : 5 + side] = 1.0
    network = toy(nn.Sequential(Bright(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), Two()))
    maps = explain(network, image, name, targets=0, budget=150).saliency
    return auc(maps, [torch.tensor([[5.0, 3.0, 5.0 + side, 3.0 + side]])]).item()


@pytest.mark.parametrize(
    "name",
    [
        "pda", "extremal_perturbation", "extremal_perturbation:cell=2,smoothness=4",
        "extremal_perturbation:cell=1,smoothness=3",
    ],
)  # fmt: skip
def test_objects_in_small_images_have_the_highest_values(name) -> None:
    assert auc_of(name) > 0.95


def test_defaults_that_fit_are_kept() -> None:
    score = masked_score(toy(Convolutional(), size=64), torch.rand(1, 3, 64, 64))
    for name in ("tide", "sliding_patch", "rise", "igos", "pda", "extremal_perturbation"):
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
