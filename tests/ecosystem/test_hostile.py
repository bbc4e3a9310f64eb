"""Hostile folders of transformers, and hostile names of models."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("transformers", reason="make test-ecosystem installs transformers")
pytestmark = [
    pytest.mark.ecosystem,
    pytest.mark.skipif(sys.platform != "linux", reason="limits and forks of Linux"),
]


def test_hostile_folders_of_transformers_meet_the_law() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "tests.hostile", "hub_folders/"],
        cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    print(result.stdout)
    assert result.returncode == 0
