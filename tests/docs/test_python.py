"""Python in the documentation runs, with a toy classifier and small settings."""

import pytest

from tests.docs import running
from tests.docs.conftest import SMALLER
from tests.docs.pages import PAGES, blocks

OWN_TEST = "tasks.md"
"""Page with networks and photos of its own (test_tasks.py)."""
WITH_PYTHON = [page for page in PAGES if page.name != OWN_TEST and blocks(page, "python")]
OTHER_LIBRARIES = "migrate.md"
"""Page of which some blocks run only where other libraries are installed (tests/ecosystem)."""


@pytest.mark.usefixtures("small_defaults")
@pytest.mark.parametrize("page", WITH_PYTHON, ids=lambda page: page.name)
def test_blocks_of_a_page_run_one_after_the_other(
    page, folder_of_a_reader, names_of_a_reader
) -> None:
    running.write_files(page, folder_of_a_reader)
    count = running.run(page, names_of_a_reader, SMALLER)
    statements = [block for block in blocks(page, "python") if running.file_of(block) is None]
    assert count == len(statements) or page.name == OTHER_LIBRARIES
