"""Published settings by name: one TOML file each, citing where they come from."""

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from unsee.errors import unknown
from unsee.registry import create


@dataclass(frozen=True)
class Recipe:
    """A method, an in-filler and a measure, as published."""

    name: str
    summary: str
    """What is published, and where."""
    method: dict[str, Any]
    """Its `name` and its settings."""
    infiller: dict[str, Any]
    """Its `name` and its settings."""
    measure: str

    def parts(self) -> tuple[Any, Any, str]:
        """Method, in-filler and measure, ready to be given to `explain`."""
        return create("methods", **self.method), create("infillers", **self.infiller), self.measure


def recipes() -> list[str]:
    """Names of all recipes."""
    return tomls("unsee.recipes")


def tomls(package: str) -> list[str]:
    """Names of the TOML files that ship in a package."""
    found = (entry.name for entry in files(package).iterdir())
    return sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml"))


def recipe(name: str) -> Recipe:
    """The recipe of this name."""
    if name not in recipes():
        raise unknown("recipe", name, recipes())
    text = files("unsee.recipes").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return Recipe(name, **tomllib.loads(text))
