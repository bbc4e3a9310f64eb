"""Build the wheel, install it in a new environment and use it outside of the checkout.

    make wheel-test

PyPI serves the wheel's dependencies, torch among them. Takes some minutes.
"""

import os
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
MAX_BYTES = 100 * 2**20
"""Size of a file that PyPI takes without a request."""
COMMANDS = (
    "--version", "list methods", "list recipes", "list tables", "completion bash",
    "demo --out demo", "explain demo/photographer/kept.png --method distilled --out distilled",
)  # fmt: skip
"""Commands that read the data files of the package: recipes, tables, labels and weights."""


def main() -> None:
    """Run all steps; an error or a command that fails ends the program."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        run(place, sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", folder, ROOT)
        (wheel,) = place.glob("unsee-*.whl")
        check_content(wheel)
        environment = place / "environment"
        venv.create(environment, with_pip=True)
        programs = environment / ("Scripts" if os.name == "nt" else "bin")
        run(place, programs / "python", "-m", "pip", "install", "--quiet", wheel)
        code = "import unsee; print(unsee.__file__)"
        where = Path(run(place, programs / "python", "-c", code).strip())
        if not where.is_relative_to(environment):
            sys.exit(f"expected unsee in {environment}, got {where}")
        for command in COMMANDS:
            print(f"unsee {command}", flush=True)
            run(place, programs / "unsee", *command.split())
        for result in ("demo", "distilled"):
            if not list((place / result).glob("*/panel.png")):
                sys.exit(f"{result}: expected a folder with panel.png")
        print(f"{wheel.name}: {wheel.stat().st_size / 2**20:.1f} MiB, works")


def check_content(wheel: Path) -> None:
    """Check that the wheel has all files of the package, and none beside them."""
    listed = run(ROOT, "git", "ls-files", "-z", "src/unsee").split("\0")
    expected = {name.removeprefix("src/") for name in listed if name}
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    if names != expected:
        sys.exit(f"missing: {sorted(expected - names)}; not of the package: {names - expected}")
    if wheel.stat().st_size > MAX_BYTES:
        sys.exit(f"{wheel.name}: {wheel.stat().st_size} bytes, more than {MAX_BYTES}")


def run(folder: Path, *words: object) -> str:
    """Run a program in a folder without the settings of this one; return what it prints."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(word) for word in words], cwd=folder, env=environment, stdout=subprocess.PIPE,
        text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"{' '.join(map(str, words))}: exit status {done.returncode}\n{done.stdout}")
    return done.stdout


if __name__ == "__main__":
    main()
