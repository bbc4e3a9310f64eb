"""`unsee demo`: the main job on a real photo."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import tyro
from PIL import Image

from unsee.cli import explain


@dataclass(frozen=True)
class Demo:
    """Explain a cup of coffee (a photo of scikit-image) to the embedded classifier."""

    out: Path = Path("demo")
    """Folder for the result."""


def run(arguments: list[str]) -> int:
    """Explain the photo; an older demo in the same place is replaced."""
    from skimage.data import coffee

    options = tyro.cli(Demo, prog="unsee demo", args=arguments)
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "coffee.png"
        Image.fromarray(coffee()).save(photo)
        return explain.run([str(photo), "--out", str(options.out), "--overwrite"])
