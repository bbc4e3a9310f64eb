"""Settings are checked before a method runs."""

from dataclasses import dataclass
from typing import Literal

import pytest

from unsee import InputError, create, explain
from unsee.methods.base import Method


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("smoothgrad", {"noise": -1.0}, "noise >= 0"),
        ("mp", {"jitter": -40}, "jitter >= 0"),
    ],
)
def test_settings_out_of_range_are_refused(network, images, name, settings, words) -> None:
    with pytest.raises(InputError, match=words):
        explain(network, images, create("methods", name, **settings))


@dataclass(frozen=True)
class Segmenting(Method):
    how: Literal["slic", "grid"] = "grid"

    def iterate(self, score):
        yield from ()


def test_unknown_choices_of_a_setting_are_refused(network, images) -> None:
    with pytest.raises(InputError, match="unknown how of Segmenting 'gird'; did you mean 'grid'"):
        explain(network, images, Segmenting(how="gird"))
