"""The register of hostile inputs, and what a case may use to build them."""

import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.hostile import toy

REFUSED = "refused"
"""One line that says why, exit status 1 or 2; in Python an InputError."""
ACCEPTED = "accepted"
"""A result, exit status 0."""
REST = "rest goes on"
"""What is good is done, what is not is reported in a line each, exit status 1."""
EITHER = "refused or accepted"
"""Whether such a file can be used is up to the libraries that decode it."""


WORK = "user/project/work"
"""The working folder of a case, below its arena."""


@dataclass(frozen=True)
class Command:
    """A command line, and a check of its results that returns what is wrong."""

    arguments: tuple[str, ...]
    expected: str | None = None
    check: Callable[["Arena"], str | None] | None = None
    says: str = ""
    """Words that the error must contain."""
    writes: tuple[str, ...] = (f"{WORK}/out",)
    """Where it may write, below the arena."""

    def __str__(self) -> str:
        return f"unsee {' '.join(map(_short, self.arguments))}"


@dataclass(frozen=True)
class Call:
    """A call of the Python API."""

    name: str
    function: Callable[[], Any]
    expected: str | None = None
    check: Callable[["Arena"], str | None] | None = None
    says: str = ""
    writes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"python: {_short(self.name)}"


def _photo() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (48, 40), "red").save(buffer, "PNG")
    return buffer.getvalue()


PHOTO = _photo()
"""A good photo."""
Action = Command | Call


@dataclass(frozen=True)
class Case:
    """A hostile input."""

    family: str
    name: str
    expected: str
    build: Callable[["Arena"], Action | list[Action]]
    """Writes the input into an arena and returns what is done with it."""

    @property
    def id(self) -> str:
        return f"{self.family}/{self.name}"


CASES: dict[str, Case] = {}


def case(family: str, name: str, expected: str = REFUSED):
    """Register a builder."""

    def register(build):
        new = Case(family, name, expected, build)
        if new.id in CASES:
            raise ValueError(f"two cases are called {new.id}")
        CASES[new.id] = new
        return build

    return register


class Arena:
    """The folders of one case: a working folder deep enough for `../..`, a home, a cache."""

    def __init__(self, root: Path, seed: str) -> None:
        self.root = root
        self.home, self.cache = root / "home", root / "cache"
        self.temporary = root / "temporary"
        self.work = root / WORK
        for folder in (self.home, self.cache, self.temporary, self.work):
            folder.mkdir(parents=True)
        for folder in (self.home, self.work.parent, self.work.parent.parent):
            (folder / "precious.txt").write_text("of the user")
        self.outside = self.work.parent / "outside.png"
        """A photo that no data set in the working folder may read."""
        self.outside.write_bytes(PHOTO)
        self.canary = root / "canary"
        """A file that exists only if a payload was run."""
        self.random = np.random.default_rng(zlib.crc32(seed.encode()))

    def write(self, name: str, content: bytes | str = b"") -> str:
        """Write a file below the working folder and return its relative name."""
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return name

    def photo(self, name: str = "in/good.png", size=(48, 40), **settings) -> str:
        """Write a good photo."""
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = self.random.integers(0, 255, (size[1], size[0], 3), np.uint8)
        Image.fromarray(pixels).save(path, **settings)
        return name


def explained(*names: str):
    """Return a check that these results are complete."""

    def check(arena: Arena) -> str | None:
        missing = [n for n in names if not (arena.work / "out" / n / "manifest.json").is_file()]
        return f"no result of {', '.join(missing)}" if missing else None

    return check


def explain(*words: str, classifier: str = toy.NAME, method: str = toy.METHOD, **rest) -> Command:
    """Return `unsee explain` with settings that take milliseconds."""
    options = ("--classifier", classifier, "--method", method, "--out", "out")
    return Command(("explain", *words, *options), **rest)


def evaluate(
    data: str, *words: str, target: str = "label", metric: str = "gini", **rest
) -> Command:
    """Return `unsee evaluate` with settings that take milliseconds."""
    options = ("--classifier", toy.NAME, "--methods", toy.METHOD, "--metrics", metric)
    return Command(
        ("evaluate", "--data", data, *options, "--target", target, "--out", "out", *words), **rest
    )


def with_options(command: Command, *words: str) -> Command:
    """Return the command with further words."""
    return replace(command, arguments=(*command.arguments, *words))


def _short(word: str) -> str:
    text = word.encode("utf-8", "surrogatepass").decode("utf-8", "backslashreplace")
    text = text if len(text) <= 80 else f"{text[:60]}... ({len(text)} characters)"
    return text if text and text.isprintable() and " " not in text else repr(text)
