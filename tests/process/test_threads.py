"""How threads wait, and what an import of the package loads."""

import os
import subprocess
import sys

import unsee
from unsee.process import threads


def output_of(code: str, **variables: str) -> str:
    environment = {k: v for k, v in os.environ.items() if k not in threads.CHOICES_OF_THE_USER}
    return subprocess.run(
        [sys.executable, "-c", code],
        env=environment | variables, capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip


def test_the_command_line_sets_how_threads_wait_before_torch_is_loaded() -> None:
    code = (
        "import os, sys, unsee.__main__ as m; assert 'torch' not in sys.modules; sys.argv = ['', "
        "'--version']; m.main(); print(os.environ['GOMP_SPINCOUNT'])"
    )
    assert output_of(code).splitlines()[-1] == threads.WAITING["GOMP_SPINCOUNT"]


def test_the_settings_of_a_user_stay() -> None:
    code = (
        "import os; from unsee.process import threads; "
        "print(threads.wait_asleep(), dict(os.environ))"
    )
    assert "GOMP_SPINCOUNT" not in output_of(code, OMP_WAIT_POLICY="active")
    assert "'GOMP_SPINCOUNT': '7'" in output_of(code, GOMP_SPINCOUNT="7")


def test_nothing_is_set_once_torch_is_loaded() -> None:
    code = "import torch; from unsee.process.threads import wait_asleep; print(wait_asleep())"
    assert output_of(code) == "False"


def test_every_public_name_can_be_imported() -> None:
    assert {"explain", "Classifier", "InputError"} <= set(unsee.__all__)
    for name in unsee.__all__:
        assert getattr(unsee, name).__module__.startswith("unsee")


def test_the_tests_wait_as_the_command_line_does() -> None:
    assert any(name in os.environ for name in threads.CHOICES_OF_THE_USER)
