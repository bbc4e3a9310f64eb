"""The page for users of other libraries: its calls of them run, where they are installed."""

import pytest

from tests.docs import running
from tests.docs.conftest import SMALLER
from tests.docs.conftest import folder_of_a_reader as folder_of_a_reader
from tests.docs.conftest import names_of_a_reader as names_of_a_reader
from tests.docs.conftest import small_defaults as small_defaults
from tests.evaluation.runs import ROOT

pytest.importorskip("captum", reason="make test-ecosystem installs captum")
pytest.importorskip("pytorch_grad_cam", reason="make test-ecosystem installs grad-cam")
pytestmark = [pytest.mark.ecosystem, pytest.mark.filterwarnings("ignore")]  # of other libraries
PAGE = ROOT / "docs" / "migrate.md"


def test_calls_of_other_libraries_run(
    small_defaults, folder_of_a_reader, names_of_a_reader
) -> None:
    assert running.run(PAGE, names_of_a_reader, SMALLER) >= 13
