"""Recognise files of weights that were replaced under the same name between two rows of a run."""

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from unsee.cells.base import Cells
from unsee.errors import InputError, as_input_error
from unsee.evaluation.contents import onnx_files
from unsee.evaluation.plan import Plan
from unsee.files import check_file
from unsee.networks import weights
from unsee.networks.weights import Published
from unsee.parts import resolve_parts
from unsee.registry import name_of, resolve

WARM_START = Published("distilled.safetensors", "", "")
"""File that an empty warm start stands for."""


def digests(plan: Plan) -> dict[str, str]:
    """Return a hash of each file that a method, a warm start or an in-filler of a plan reads.

    Keys are the settings that name the files, or the name of a published file. What is not on the
    disk, such as a pipeline of a hub, has none.

    Raises:
        InputError: A file cannot be read.
    """
    parts: list[Any] = []
    for _, method, infiller in plan.combinations():
        parts += resolve_parts(method, plan.spec("infillers", infiller))[:2]
    if plan.metric_infiller is not None:
        parts.append(resolve("infillers", plan.spec("infillers", plan.metric_infiller)))
    if plan.cells is not None:
        parts.append(resolve("cells", plan.cells))
    named = {name: path for part in parts for name, path in _files_of(part)}
    return {name: _digest(path) for name, path in sorted(named.items())}


def _files_of(part: Any) -> Iterator[tuple[str, Path]]:
    """Yield the files that a part and its own parts read, each with its name in the settings."""
    for inner in getattr(part, "parts", ()):
        yield from _files_of(inner)
    own = getattr(part, "published", Published(f"{name_of(part)}.safetensors", "", ""))
    for setting, published in (("weights", own), ("warm_start", WARM_START)):
        value = getattr(part, setting, weights.RANDOM)
        if value == weights.RANDOM or (setting == "warm_start" and value is None):
            continue
        with suppress(InputError):  # raised again for each photo, or a name of a hub
            yield value or published.name, weights.find(value, published)
    if isinstance(part, Cells) and (path := getattr(part, "path", "")):
        yield path, check_file(path, "label map")


def _digest(path: Path) -> str:
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
