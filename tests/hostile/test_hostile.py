import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits and forks of Linux")


def hostile(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"} | variables
    command = [sys.executable, "-m", "tests.hostile", *words]
    return subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False
    )


def test_a_sample_of_hostile_inputs_meets_the_law():
    result = hostile("--sample", "30")
    print(result.stdout)
    assert result.returncode == 0


def test_every_breach_of_the_law_is_reported():
    result = hostile("--breaches", "--verbose")
    sections = re.split(r"^CASE breaches/", result.stdout, flags=re.MULTILINE)[1:]
    assert len(sections) == 18
    for section in sections:
        words = section.partition("\n")[0].partition(" -> ")[2]
        problems = re.findall(r"^    (.*)", section, re.MULTILINE)
        assert any(words in problem for problem in problems), section
    assert result.returncode == 1


@pytest.mark.trust
def test_all_hostile_inputs_meet_the_law():
    result = hostile()
    print(result.stdout)
    assert result.returncode == 0
