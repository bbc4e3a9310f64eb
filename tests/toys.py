"""A classifier that other processes can load by name: tests.toys:classifier."""

from tests.conftest import Convolutional, toy


def classifier():
    return toy(Convolutional(), size=24)
