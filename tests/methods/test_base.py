"""Checks of settings, for methods of all kinds."""

import pytest

from tests.conftest import Convolutional, masked_score, toy
from unsee import InputError, create


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("fido", {"steps": 0}, "steps > 0"),
        ("rise", {"samples": 0}, "samples > 0"),
        ("igos", {"steps": 0}, "steps > 0"),
        ("igos_pp", {"path": 0}, "path > 0"),
        ("igos_pp", {"rate": 0.0}, "rate > 0"),
        ("mp", {"steps": -1}, "steps > 0"),
        ("sliding_patch", {"stride": 0}, "stride > 0"),
        ("lime", {"samples": 1}, "samples >= 2"),
        ("extremal_perturbation", {"areas": (1.5,)}, "0 < area < 1"),
        ("fido", {"step": 3}, "did you mean 'steps'"),
        ("fydo", {}, "did you mean 'fido'"),
    ],
)
def test_invalid_settings_are_refused(name, settings, message) -> None:
    with pytest.raises(InputError, match=message):
        create("methods", name, **settings)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("fido", {"grid": 64}, "grid of 1 to 32 cells"),
        ("igos", {"grid": 64}, "grid of 1 to 32 cells"),
        ("igos_pp", {"grid": 33}, "grid of 1 to 32 cells"),
        ("bbmp", {"grid": 64}, "grid of 1 to 32 cells"),
        ("mp2", {"grid": 64}, "grid of 1 to 32 cells"),
        ("random", {"grid": 64}, "grid of 1 to 32 cells"),
        ("rise", {"cells": 40}, "grid of 1 to 32 cells"),
        ("sliding_patch", {"patch": 33}, "at most 32 pixels"),
        ("pda", {"window": 64}, "at most 32 pixels"),
        ("extremal_perturbation", {"cell": 64}, "at most 32 pixels"),
    ],
)
def test_settings_that_do_not_fit_the_image_are_refused(image, name, settings, message) -> None:
    method = create("methods", name, **settings)
    with pytest.raises(InputError, match=message):
        method.attribute(masked_score(toy(Convolutional()), image))


def test_window_larger_than_the_image_is_refused(image) -> None:
    pytest.importorskip("captum")
    method = create("methods", "occlusion", patch=64)
    with pytest.raises(InputError, match="patch <= 32"):
        method.attribute(masked_score(toy(Convolutional()), image))
