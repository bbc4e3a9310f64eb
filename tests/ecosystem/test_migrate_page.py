"""The page for users of other libraries: its calls of them run, where they are installed."""

import pytest

from tests.docs import running
from tests.docs.conftest import SMALLER
from tests.docs.conftest import folder_of_a_reader as folder_of_a_reader
from tests.docs.conftest import names_of_a_reader as names_of_a_reader
from tests.docs.conftest import small_defaults as small_defaults
from tests.docs.pages import blocks
from tests.evaluation.runs import ROOT

for package in ("captum", "pytorch_grad_cam", "torchcam", "lime", "quantus"):
    pytest.importorskip(package, reason=f"make test-ecosystem installs {package}")
pytestmark = [pytest.mark.ecosystem, pytest.mark.filterwarnings("ignore")]  # of other libraries
PAGE = ROOT / "docs" / "migrate.md"


def test_calls_of_other_libraries_run(
    small_defaults, folder_of_a_reader, names_of_a_reader
) -> None:
    statements = [block for block in blocks(PAGE, "python") if running.file_of(block) is None]
    missing = [running.missing_packages(block) for block in statements]
    assert [names for names in missing if names] in ([], [["torchray"]])  # its licence: CC BY-NC
    count = running.run(PAGE, names_of_a_reader, SMALLER)
    assert count == sum(not names for names in missing)
