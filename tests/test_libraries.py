"""Libraries that are imported before the clock starts."""

from importlib import import_module
from importlib.util import find_spec

import pytest

from unsee import create
from unsee.libraries import LIBRARIES, import_libraries


@pytest.mark.parametrize("name", LIBRARIES)
def test_modules_with_libraries_exist(name) -> None:
    assert find_spec(name) is not None


def test_base_classes_are_included(monkeypatch) -> None:
    imported = []

    def record(name):
        imported.append(name)
        return import_module(name)

    monkeypatch.setattr("unsee.libraries.import_module", record)
    import_libraries(create("methods", "gradient"), create("infillers", "telea"))
    assert imported == ["captum.attr", "cv2"]


def test_missing_libraries_are_skipped(monkeypatch) -> None:
    monkeypatch.setitem(LIBRARIES, "unsee.infillers.telea", ("not_installed",))
    import_libraries(create("infillers", "telea"))
