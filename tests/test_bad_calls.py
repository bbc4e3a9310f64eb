"""Every call that cannot succeed raises `InputError`, whatever is wrong with its arguments."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bad_calls import calls

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def names_and_outcomes(tmp_path_factory):
    """Outcomes of all calls in a process in which nothing else checks types."""
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    folder = tmp_path_factory.mktemp("calls")
    process = subprocess.run(
        [sys.executable, "-m", "tests.bad_calls", str(folder)], check=True, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True,
    )  # fmt: skip
    return dict(json.loads(line) for line in process.stdout.splitlines())


def test_bad_calls_raise_input_errors(names_and_outcomes, tmp_path) -> None:
    assert names_and_outcomes.keys() == calls(tmp_path).keys()
    others = {name: text for name, text in names_and_outcomes.items() if text != "InputError"}
    assert not others
