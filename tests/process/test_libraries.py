"""Libraries that are imported before the clock starts."""

import logging
import subprocess
import sys
import warnings
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from unsee import available, create
from unsee.infillers.telea import Telea
from unsee.process.libraries import import_libraries, quiet
from unsee.registry import part

ROOT = Path(__file__).parents[2]
PARTS = [(kind, name) for kind in ("methods", "infillers", "metrics") for name in available(kind)]


@pytest.mark.parametrize(("kind", "name"), PARTS)
def test_libraries_of_parts_exist_if_they_are_installed(kind, name) -> None:
    for library in part(kind, name).libraries:
        library, _, attribute = library.partition(":")
        if find_spec(library.partition(".")[0]):
            assert find_spec(library) is not None
            assert not attribute or hasattr(import_module(library), attribute)


def test_base_classes_are_included(monkeypatch) -> None:
    imported = []

    def record(name):
        imported.append(name)
        return import_module(name)

    monkeypatch.setattr("unsee.process.libraries.import_module", record)
    import_libraries(create("methods", "gradient"), create("infillers", "telea"))
    assert imported == ["captum.attr", "cv2"]


def test_missing_libraries_are_skipped(monkeypatch) -> None:
    monkeypatch.setattr(Telea, "libraries", ("not_installed",))
    import_libraries(create("infillers", "telea"))


def test_the_clock_of_lime_counts_no_imports() -> None:
    """In a process of its own, where nothing is imported yet."""
    program = (
        "import sys, time, torch, unsee\n"
        "study = unsee.Study.of('tests.toys:classifier', torch.rand(1, 3, 24, 24), 'lime',\n"
        "                       samples=4)\n"
        "clock, seen = time.perf_counter, []\n"
        "time.perf_counter = lambda: (seen.append(set(sys.modules)), clock())[1]\n"
        "study.finish()\n"
        "print([name for name in seen[-1] - seen[0] if name.startswith(('skimage', 'sklearn'))])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr


def test_libraries_are_quiet_while_they_load_and_only_then(caplog, recwarn) -> None:
    def load() -> None:
        logging.getLogger("torch.export").exception("a traceback")
        warnings.warn("a warning", stacklevel=1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), quiet():
        load()
    assert not caplog.records
    assert not recwarn
    logging.getLogger("torch.export").warning("again")
    assert [record.message for record in caplog.records] == ["again"]


def test_overlapping_quiet_blocks_restore_what_was_set_before() -> None:
    before, filters = logging.root.manager.disable, list(warnings.filters)
    first, second = quiet(), quiet()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert logging.root.manager.disable == logging.CRITICAL
    second.__exit__(None, None, None)
    assert logging.root.manager.disable == before
    assert warnings.filters == filters
