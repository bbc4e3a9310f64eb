"""The parts that make a map: a method, its in-filler and its measure; and the files they read."""

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from unsee.cells.base import Cells
from unsee.classifiers import measures
from unsee.classifiers.measures import Measure
from unsee.errors import InputError, as_input_error
from unsee.infillers.base import Infiller
from unsee.methods.base import Method
from unsee.networks import weights
from unsee.networks.weights import Published
from unsee.registry import create, name_of, recipe_of, resolve
from unsee.registry.settings import SettingValue
from unsee.storage.files import check_file, is_file

OWN = "own"
"""In place of an in-filler's name: the in-filler with which the method was published."""
WARM_START = Published("distilled.safetensors", "", "")
"""File that an empty warm start stands for."""


class Parts(NamedTuple):
    """A method, its in-filler and its measure."""

    method: Method
    infiller: Infiller
    measure: Measure


def resolve_parts(
    method: Method | str,
    infiller: Infiller | str | None = None,
    measure: Measure | str | None = None,
    **settings: SettingValue,
) -> Parts:
    """Return a method, its in-filler and its measure, made from names where names are given.

    Without an in-filler (or with "own") it is the published one: that of the recipe, or that with
    which the method was published. The name of that same in-filler, without settings, means the
    published one too, with its published settings: `blur` with the method `mp` has `sigma` = 10.
    In any other case the in-filler's own defaults hold: `blur:sigma=3` has its default `kernel`,
    and `blur` with `rise`, which was published with `grey`, has its default `sigma`.

    Args:
        method: A method, or `NAME[:setting=value,...]`, or `recipe:NAME[:setting=value,...]`.
        infiller: An in-filler, `NAME[:setting=value,...]`, "own" or None.
        measure: A measure or its name; by default the published one.
        settings: Further settings of the method.
    """
    recipe, instance = recipe_of(method), resolve("methods", method, **settings)
    if recipe is not None:
        published, published_measure = create("infillers", **recipe.infiller), recipe.measure
    else:
        name, defaults = instance.traits.infiller
        published = create("infillers", name, **defaults)
        published_measure = instance.traits.measure
    if not (infiller is None or infiller in (OWN, name_of(published))):
        published = resolve("infillers", infiller)
    measure = published_measure if measure is None else measure
    if not isinstance(measure, str) and not callable(measure):
        raise InputError(f"expected a measure or its name, got {measure!r}")
    return Parts(
        instance, published, measures.named(measure) if isinstance(measure, str) else measure
    )


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
