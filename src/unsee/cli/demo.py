"""`unsee demo`: explain a photo that comes with a package."""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from unsee.cli import explain
from unsee.cli.explain_options import Folder
from unsee.cli.parsing import parse
from unsee.errors import as_input_error


@dataclass(frozen=True)
class Demo:
    """Explain a photo of a photographer, from scikit-image, to the embedded classifier."""

    out: Folder = Path("demo")
    """Folder for the photo and the result."""


def run(arguments: list[str]) -> int:
    """Explain the photo; an older demo in the same place is replaced."""
    from skimage.data import camera

    options = parse(Demo, arguments, "unsee demo")
    photo = options.out / "photographer.png"
    with as_input_error(f"{options.out}: cannot be written"):
        options.out.mkdir(parents=True, exist_ok=True)
        Image.fromarray(camera()).save(photo)
    return explain.run([str(photo), "--out", str(options.out), "--overwrite"])
