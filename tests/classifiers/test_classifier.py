import dataclasses
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.data import chelsea
from torch import nn

import unsee
from tests.conftest import Convolutional, toy
from unsee import Classifier, InputError, black_box, create, explain, load
from unsee.classifiers.labels import Synonyms
from unsee.classifiers.measures import log_odds
from unsee.classifiers.precision import BFLOAT16_INSTRUCTIONS, half_precision
from unsee.metrics._similarity import similarity


def test_training_mode_is_refused() -> None:
    with pytest.raises(InputError, match=r"call model.eval\(\)"):
        Classifier(nn.Sequential(nn.Dropout()))


def test_unsuitable_images_are_refused(network, images) -> None:
    with pytest.raises(InputError, match="3, h, w"):
        network.predict(images[:, :1])
    with pytest.raises(InputError, match=r"in \[0, 1\]"):
        network.predict(images * 255)
    with pytest.raises(InputError, match=r"in \[0, 1\]"):
        network.predict(images * torch.nan)
    with pytest.raises(InputError, match="at least one"):
        network.predict(images[:0])


def test_nan_logits_are_refused(images) -> None:
    model = Convolutional()
    model.head.weight.data.fill_(torch.nan)
    with pytest.raises(InputError, match="NaN"):
        unsee.explain(toy(model), images, "rise")


def test_output_without_logits_is_refused(images) -> None:
    with pytest.raises(InputError, match="expected logits"):
        toy(nn.Conv2d(3, 4, 3)).predict(images)


class WithLogitsAttribute(nn.Module):
    """Returns its logits as an attribute, as transformers do."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = Convolutional()

    def forward(self, x):
        return type("Output", (), {"logits": self.inner(x)})()


def test_logits_of_transformers_are_unwrapped(network, images) -> None:
    torch.testing.assert_close(toy(WithLogitsAttribute()).predict(images), network.predict(images))


def test_classes_are_found_by_number_and_name() -> None:
    labelled = dataclasses.replace(
        toy(Convolutional()),
        labels=tuple(map(Synonyms, ("crane bird, crane", "crane", "tabby, tabby cat", "d", "e"))),
    )
    assert labelled.index("Tabby Cat") == 2
    assert labelled.index("3") == labelled.index(3) == 3
    assert labelled.label(2) == "tabby"
    with pytest.raises(InputError, match=r"did you mean 'tabby"):
        labelled.index("taby")
    with pytest.raises(InputError, match=r"not in 0\.\.4"):
        labelled.index(5)
    with pytest.raises(InputError, match=r"names classes \[0, 1\]"):
        labelled.index("crane")


def test_names_that_are_numbers_are_names() -> None:
    classifier = toy(Convolutional(), labels=("1", "10", "2"))
    assert [classifier.index(target) for target in ("1", "10", "2", 2, "0")] == [0, 1, 2, 2, 0]


def test_data_statistics_default_to_mean_and_std() -> None:
    network = toy(Convolutional())
    assert network.data_mean == network.mean
    x = torch.rand(1, 3, 4, 4)
    torch.testing.assert_close(network.standardise(x), network.normalise(x))


def test_bfloat16_logits_are_close_to_float32(network, images) -> None:
    half = dataclasses.replace(network, precision=torch.bfloat16)
    assert half.predict(images).dtype == torch.float32
    torch.testing.assert_close(half.predict(images), network.predict(images), atol=0.1, rtol=0.05)


@pytest.mark.parametrize(
    "settings",
    [
        {"name": "rise", "samples": 64},
        {"name": "lime", "samples": 60},
        {"name": "sliding_patch", "patch": 64, "stride": 40},
    ],
)
def test_sampling_precision_changes_averaging_methods_little(settings) -> None:
    """The bounds hold for every processor; they differ in where they round to bfloat16."""
    picture = Image.fromarray(chelsea())
    exact, half = load(), replace(load(), sampling_precision=torch.bfloat16)
    method = create("methods", **settings)
    explanations = [explain(classifier, picture, method) for classifier in (exact, half)]
    maps = [explanation.saliency for explanation in explanations]
    assert not torch.equal(*maps)
    assert similarity(maps[0][0], maps[1][0]) > 0.97
    # not the deletion area, which jumps if two windows of nearly equal value swap ranks
    assert (maps[0] - maps[1]).abs().max() < 0.2 * (maps[0].max() - maps[0].min())
    forwards = [explanation.provenance["cost"]["forwards"] for explanation in explanations]
    assert forwards[0] == forwards[1] > 0
    assert half.passes.forwards > forwards[1]


class Offset(nn.Module):
    """Returns a value far from 0, as a model of prices does."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.last = Convolutional(1), nn.Linear(1, 1)
        nn.init.constant_(self.last.bias, 300.0)

    def forward(self, x):
        return self.last(self.inner(x))


def test_a_regression_is_not_sampled_in_half_precision(images) -> None:
    exact = toy(Offset(), outputs="regression")
    half = replace(exact, sampling_precision=torch.bfloat16)
    method = create("methods", "sliding_patch", patch=8, stride=8)
    maps = [explain(c, images, method, targets=0) for c in (exact, half)]
    assert torch.equal(maps[0].saliency, maps[1].saliency)
    assert maps[1].provenance["classifier"]["sampling_precision"] == "float32"


def test_other_methods_ignore_the_sampling_precision(images) -> None:
    exact = toy(Convolutional())
    half = replace(exact, sampling_precision=torch.bfloat16)
    for name, settings in (("tide", {"steps": 2, "grid": 8}), ("fido", {"steps": 2, "grid": 8})):
        method = create("methods", name, **settings)
        maps = [explain(classifier, images, method).saliency for classifier in (exact, half)]
        assert torch.equal(*maps)


def test_half_precision_requires_instructions_for_it(monkeypatch) -> None:
    for name in BFLOAT16_INSTRUCTIONS:
        monkeypatch.setattr(torch.cpu, f"_is_{name}_supported", lambda: False, raising=False)
    assert half_precision(torch.device("cpu")) is None
    assert load(precision="auto").sampling_precision is None
    monkeypatch.setattr(
        torch.cpu, f"_is_{BFLOAT16_INSTRUCTIONS[0]}_supported", lambda: True, raising=False
    )
    assert load(precision="auto").sampling_precision == torch.bfloat16
    assert load(precision="auto").precision == torch.float32
    assert load().sampling_precision is None
    box = black_box(lambda x: np.ones((len(x), 2)) / 2, size=(32, 32))
    assert load(box, precision="auto").sampling_precision is None


def test_replaced_classifiers_share_the_pass_counter(network, images) -> None:
    derived = [
        replace(network, precision=torch.bfloat16),
        replace(network, chunk=2),
        replace(network, model=Convolutional().eval()),
    ]
    for classifier in derived:
        classifier.predict(images)
    assert network.passes.forwards == 3 * len(images)
    assert all(classifier.passes is network.passes for classifier in derived)


def test_denormalise_inverts_normalise(images) -> None:
    classifier = Classifier(Convolutional().eval())
    torch.testing.assert_close(classifier.denormalise(classifier.normalise(images)), images)


def test_features_match_hooks_and_autograd(network, images) -> None:
    features = network.features(images, ["features.3", "features.0"], gradient=True)
    torch.testing.assert_close(features.logits, network.model(network.normalise(images)).detach())
    maps = network.model.features[0](features.inputs)
    torch.testing.assert_close(features.maps[1], maps.detach())
    assert features.maps[0].shape == (3, 8, 8, 8)
    x = features.inputs.clone().requires_grad_()
    logits = network.model(x)
    (expected,) = torch.autograd.grad(log_odds(logits, logits.argmax(1)).sum(), x)
    torch.testing.assert_close(features.gradient, expected)
    assert (network.passes.forwards, network.passes.backwards) == (3, 3)
    tensors = (features.logits, features.inputs, features.gradient, *features.maps)
    assert not any(tensor.requires_grad for tensor in tensors)
    assert not any(module._forward_hooks for module in network.model.modules())
    assert all(p.grad is None for p in network.model.parameters())


def test_features_without_gradient_use_the_precision(network, images) -> None:
    features = replace(network, precision=torch.bfloat16).features(images, ["features.0"])
    assert features.gradient is None
    assert features.maps[0].dtype == torch.float32
    assert torch.equal(features.maps[0], features.maps[0].bfloat16().float())
    assert (network.passes.forwards, network.passes.backwards) == (3, 0)


def test_black_box_has_no_network(images) -> None:
    box = black_box(lambda x: np.ones((len(x), 2)) / 2, size=(32, 32))
    with pytest.raises(InputError, match="needs the layers of a torch module"):
        _ = box.network
    with pytest.raises(InputError, match="reading feature maps needs"):
        box.features(images, ["features.0"])
