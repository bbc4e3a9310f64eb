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
from unsee.classifiers.classifier import HALF, half_precision
from unsee.metrics._similarity import similarity


def test_refuses_training_mode() -> None:
    with pytest.raises(InputError, match=r"call model.eval\(\)"):
        Classifier(nn.Sequential(nn.Dropout()))


def test_refuses_what_it_cannot_take(network, images) -> None:
    with pytest.raises(InputError, match="3, h, w"):
        network.predict(images[:, :1])
    with pytest.raises(InputError, match=r"in \[0, 1\]"):
        network.predict(images * 255)
    with pytest.raises(InputError, match=r"in \[0, 1\]"):
        network.predict(images * torch.nan)
    with pytest.raises(InputError, match="at least one"):
        network.predict(images[:0])


def test_refuses_nan_answers(images) -> None:
    model = Convolutional()
    model.head.weight.data.fill_(torch.nan)
    with pytest.raises(InputError, match="NaN"):
        unsee.explain(toy(model), images, "rise")


def test_refuses_a_model_that_gives_no_logits(images) -> None:
    with pytest.raises(InputError, match="expected logits"):
        toy(nn.Conv2d(3, 4, 3)).predict(images)


class Wrapped(nn.Module):
    """Answers as transformers do."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = Convolutional()

    def forward(self, x):
        return type("Output", (), {"logits": self.inner(x)})()


def test_logits_of_transformers_are_unwrapped(network, images) -> None:
    torch.testing.assert_close(toy(Wrapped()).predict(images), network.predict(images))


def test_classes_by_number_and_name() -> None:
    known = dataclasses.replace(
        toy(Convolutional()), labels=("crane bird, crane", "crane", "tabby, tabby cat", "d", "e")
    )
    assert known.index("Tabby Cat") == 2
    assert known.index("3") == known.index(3) == 3
    assert known.label(2) == "tabby"
    with pytest.raises(InputError, match=r"did you mean 'tabby"):
        known.index("taby")
    with pytest.raises(InputError, match=r"not in 0\.\.4"):
        known.index(5)
    with pytest.raises(InputError, match=r"names classes \[0, 1\]"):
        known.index("crane")


def test_data_statistics_default_to_the_networks() -> None:
    known = toy(Convolutional())
    assert known.data_mean == known.mean
    x = torch.rand(1, 3, 4, 4)
    torch.testing.assert_close(known.standardise(x), known.normalise(x))


def test_low_precision_stays_close(network, images) -> None:
    half = dataclasses.replace(network, precision=torch.bfloat16)
    assert half.predict(images).dtype == torch.float32
    torch.testing.assert_close(half.predict(images), network.predict(images), atol=0.1, rtol=0.05)


@pytest.mark.parametrize(
    "settings",
    [
        {"name": "rise", "samples": 400},
        {"name": "lime", "samples": 300},
        {"name": "sliding_patch", "patch": 48, "stride": 24},
    ],
)
def test_half_precision_gives_averaging_methods_nearly_the_same_map(settings) -> None:
    """Bounds that hold for every kernel: processors round bfloat16 at different places."""
    picture = Image.fromarray(chelsea())
    exact, rough = load(), replace(load(), averaging=torch.bfloat16)
    method = create("methods", **settings)
    explanations = [explain(classifier, picture, method) for classifier in (exact, rough)]
    maps = [explanation.saliency for explanation in explanations]
    assert not torch.equal(*maps)
    assert similarity(maps[0][0], maps[1][0]) > 0.97
    # Not the deletion area: where two windows of nearly equal value swap, it jumps.
    assert (maps[0] - maps[1]).abs().max() < 0.2 * (maps[0].max() - maps[0].min())
    forwards = [explanation.provenance["cost"]["forwards"] for explanation in explanations]
    assert forwards[0] == forwards[1] > 0
    assert rough.passes.forwards > forwards[1]


def test_all_others_are_asked_as_precisely_as_ever(images) -> None:
    exact = toy(Convolutional())
    rough = replace(exact, averaging=torch.bfloat16)
    for name, settings in (("tide", {"steps": 2, "grid": 8}), ("fido", {"steps": 2, "grid": 8})):
        method = create("methods", name, **settings)
        maps = [explain(classifier, images, method).saliency for classifier in (exact, rough)]
        assert torch.equal(*maps)


def test_half_precision_is_for_devices_that_have_it(monkeypatch) -> None:
    for name in HALF:
        monkeypatch.setattr(torch.cpu, f"_is_{name}_supported", lambda: False, raising=False)
    assert half_precision(torch.device("cpu")) is None
    assert load(precision="auto").averaging is None
    monkeypatch.setattr(torch.cpu, f"_is_{HALF[0]}_supported", lambda: True, raising=False)
    assert load(precision="auto").averaging == torch.bfloat16
    assert load(precision="auto").precision == torch.float32
    assert load().averaging is None
    box = black_box(lambda x: np.ones((len(x), 2)) / 2, size=(32, 32))
    assert load(box, precision="auto").averaging is None
