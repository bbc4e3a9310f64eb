"""Libraries that are imported before the clock starts."""

from importlib import import_module
from importlib.util import find_spec

import pytest

from unsee import available, create
from unsee.infillers.telea import Telea
from unsee.libraries import import_libraries
from unsee.registry import part

PARTS = [(kind, name) for kind in ("methods", "infillers", "metrics") for name in available(kind)]


@pytest.mark.parametrize(("kind", "name"), PARTS)
def test_libraries_of_parts_exist_if_they_are_installed(kind, name) -> None:
    for library in part(kind, name).libraries:
        if find_spec(library.partition(".")[0]):
            assert find_spec(library) is not None


def test_base_classes_are_included(monkeypatch) -> None:
    imported = []

    def record(name):
        imported.append(name)
        return import_module(name)

    monkeypatch.setattr("unsee.libraries.import_module", record)
    import_libraries(create("methods", "gradient"), create("infillers", "telea"))
    assert imported == ["captum.attr", "cv2"]


def test_missing_libraries_are_skipped(monkeypatch) -> None:
    monkeypatch.setattr(Telea, "libraries", ("not_installed",))
    import_libraries(create("infillers", "telea"))
