"""Shell commands in the documentation run, with toys and small settings."""

import pytest

from tests.docs import running, shell
from tests.docs.pages import PAGES
from tests.evaluation.runs import ROOT
from unsee.cli import main

OWN_TESTS = {"extend.md", "papers.md", "truth.md"}
"""Pages whose commands test_extend, cli/test_papers_page and evaluation/test_stages run."""
COMMANDS = [
    (page, command)
    for page in PAGES
    if page.name not in OWN_TESTS
    for command in shell.commands(page)
]


@pytest.mark.parametrize(
    ("page", "command"), COMMANDS, ids=[page.stem for page, _ in COMMANDS]
)  # fmt: skip
def test_command_of_a_page_runs(page, command, folder_of_a_reader) -> None:
    running.write_files(page, folder_of_a_reader)
    shell.write_data(folder_of_a_reader)
    assert main(shell.words_of(command)) == 0, command


def test_most_commands_run() -> None:
    assert len(COMMANDS) > 40
    assert all((ROOT / "tests" / place).exists() for place in shell.ELSEWHERE.values())
