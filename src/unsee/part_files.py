"""The files that parts read, and their content, which tells whether one was replaced."""

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from unsee.cells.base import Cells
from unsee.errors import InputError, as_input_error
from unsee.files import check_file, is_file
from unsee.networks import weights
from unsee.networks.weights import Published
from unsee.registry import name_of

WARM_START = Published("distilled.safetensors", "", "")
"""File that an empty warm start stands for."""


def files_of(part: Any) -> Iterator[tuple[str, Path]]:
    """Yield the files that a part and its own parts read, each with its name in the settings."""
    for inner in getattr(part, "parts", ()):
        yield from files_of(inner)
    own = getattr(part, "published", Published(f"{name_of(part)}.safetensors", "", ""))
    for setting, published in (("weights", own), ("warm_start", WARM_START)):
        value = getattr(part, setting, weights.RANDOM)
        if value == weights.RANDOM or (setting == "warm_start" and value is None):
            continue
        with suppress(InputError):  # raised again for each photo, or a name of a hub
            yield value or published.name, weights.find(value, published)
    if isinstance(part, Cells) and (path := getattr(part, "path", "")):
        yield path, check_file(path, "label map")


def digest_of(path: Path) -> str:
    """Return a hash of a file, of all files in a folder, or of those that a prefix names."""
    with as_input_error(f"{path} cannot be read"):
        if path.is_dir():
            files = sorted(file for file in path.rglob("*") if file.is_file())
        elif path.exists():
            files = onnx_files(path)
        else:
            files = sorted(path.parent.glob(f"{path.name}.*"))
        content = hashlib.blake2b(digest_size=16)
        for file in files:
            content.update(repr(str(file.relative_to(path.parent))).encode())
            with check_file(file, "file of weights").open("rb") as stream:
                content.update(hashlib.file_digest(stream, "sha256").digest())
    return content.hexdigest()


def onnx_files(path: Path) -> list[Path]:
    """Return an ONNX file and the file of its weights, where they are stored beside it."""
    names = (path.name, f"{path.name}.data", f"{path.name}_data")
    return [file for name in names if is_file(file := path.with_name(name))]
