"""The Dockerfile, as far as it can be checked without Docker."""

import json
import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
INSTRUCTIONS = re.findall(
    r"^([A-Z]+) ((?:.*\\\n)*.*)$",
    re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE), re.MULTILINE,
)  # fmt: skip


def of_kind(kind: str) -> list[str]:
    return [text for name, text in INSTRUCTIONS if name == kind]


def test_copied_files_exist_and_are_sent_to_the_build() -> None:
    sent = [
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[0] == "!"
    ]
    sources = [source for copy in of_kind("COPY") for source in copy.split()[:-1]]
    assert sorted(sources) == sorted(sent)
    assert all((ROOT / source).exists() for source in sources)


@pytest.mark.parametrize("script", of_kind("RUN"))
def test_scripts_have_no_error_of_syntax(script) -> None:
    subprocess.run(["sh", "-n", "-c", script.replace("\\\n", "")], check=True)


def test_device_is_checked_before_anything_is_installed() -> None:
    script = of_kind("RUN")[0].replace("\\\n", "")
    done = subprocess.run(
        ["sh", "-c", f"pip() {{ echo installs \"$@\"; }}; DEVICE=tpu; {script}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert "expected cpu or cuda, got tpu" in done.stderr


@pytest.mark.parametrize(
    ("device", "index"),
    [("cpu", ["--index-url", "https://download.pytorch.org/whl/cpu"]), ("cuda", [])],
)
def test_torch_and_torchvision_come_from_one_index(device, index) -> None:
    script = of_kind("RUN")[0].replace("\\\n", "")
    done = subprocess.run(
        ["sh", "-c", f"pip() {{ echo \"$@\"; }}; DEVICE={device}; {script}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    (command,) = done.stdout.splitlines()
    words = ["install", "--constraint", "constraints.txt", "torch", "torchvision"]
    assert command.split() == words + index
    assert "import torchvision" in of_kind("RUN")[1]


def test_named_extras_exist() -> None:
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    page = (ROOT / "docs" / "usage.md").read_text()
    named = [text.removeprefix("EXTRAS=") for text in of_kind("ARG") if "EXTRAS" in text]
    named += re.findall(r"--build-arg EXTRAS=(\S+)", page)
    assert len(named) == 2
    assert {extra for names in named for extra in names.split(",")} <= set(known)


def test_command_runs_as_a_user_who_may_write_the_cache() -> None:
    names = [name for name, _ in INSTRUCTIONS]
    assert of_kind("USER") == ["unsee"]
    assert names.index("USER") < names.index("ENTRYPOINT")
    (volume,) = of_kind("VOLUME")
    settings = dict(
        word.split("=") for text in of_kind("ENV") for word in shlex.split(text.replace("\\\n", ""))
    )
    caches = ("UNSEE_CACHE", "HF_HOME", "TORCH_HOME", "MPLCONFIGDIR")
    assert all(settings[name].startswith(f"{volume}/") for name in caches)
    words = json.loads(of_kind("ENTRYPOINT")[0]) + json.loads(of_kind("CMD")[0])
    assert words == ["unsee", "studio", "--host", "0.0.0.0"]
