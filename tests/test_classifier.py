import dataclasses

import pytest
import torch
from torch import nn

import unsee
from tests.conftest import Convolutional, toy
from unsee import Classifier, InputError


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
