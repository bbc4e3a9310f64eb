"""Every numeric setting of every method, in-filler and metric refuses what is no number for it."""

import dataclasses
import math
from typing import get_type_hints

import pytest

from unsee import InputError, available, create
from unsee.registry import NOT_NEGATIVE, SIGNED, check_settings, part

NUMBERS = [
    (kind, name, setting, hint)
    for kind in NOT_NEGATIVE
    for name in available(kind)
    for setting, hint in get_type_hints(part(kind, name)).items()
    if setting in {field.name for field in dataclasses.fields(part(kind, name))}
    and any(number in str(hint) for number in ("int", "float"))
]
BAD = [math.nan, math.inf, -math.inf, -1, -0.5, "many", [1]]


def bad_values(setting: str, hint: object):
    values = [value for value in BAD if setting not in SIGNED or value not in (-1, -0.5)]
    return [(value,) for value in values] if "tuple" in str(hint) else values


@pytest.mark.parametrize(("kind", "name", "setting", "hint"), NUMBERS)
def test_bad_numbers_are_refused_in_a_line_that_names_the_setting(kind, name, setting, hint):
    for value in bad_values(setting, hint):
        with pytest.raises(InputError, match=setting.removesuffix("s")) as error:
            create(kind, name, **{setting: value})
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(("kind", "name", "setting", "hint"), NUMBERS)
def test_bad_numbers_of_instances_are_refused_by_the_check(kind, name, setting, hint):
    """Where the class itself does not refuse them already."""
    for value in bad_values(setting, hint):
        try:
            instance = dataclasses.replace(create(kind, name), **{setting: value})
        except (InputError, TypeError, ValueError, OverflowError):
            continue
        with pytest.raises(InputError, match=setting.removesuffix("s")):
            check_settings(instance)


@pytest.mark.parametrize("kind", NOT_NEGATIVE)
def test_defaults_are_accepted(kind) -> None:
    for name in available(kind):
        check_settings(create(kind, name))


def test_values_of_a_map_may_be_negative() -> None:
    assert create("metrics", "outside_box", level=-0.5).level == -0.5


@pytest.mark.parametrize(("name", "setting"), [("infidelity", "samples"), ("irof", "segments")])
def test_metrics_refuse_zero_samples_and_segments(name, setting) -> None:
    with pytest.raises(InputError, match=f"{setting} >= 1"):
        create("metrics", name, **{setting: 0})
