import torch

from tests.conftest import Convolutional, toy
from tests.sources.conftest import PREPROCESSING
from unsee import load


def make_classifier():
    return toy(Convolutional())


def make_number():
    return 3


def test_function_returns_a_module_or_a_classifier(images, expected) -> None:
    torch.testing.assert_close(
        load("tests.conftest:Convolutional", **PREPROCESSING).predict(images), expected
    )
    torch.testing.assert_close(
        load("tests.sources.test_factory:make_classifier").predict(images), expected
    )
    assert load("factory:tests.sources.test_factory:make_classifier").channels == 3
