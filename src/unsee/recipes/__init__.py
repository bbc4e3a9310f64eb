"""Published settings by name: one TOML file each, which cites its source."""

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from unsee.errors import unknown


@dataclass(frozen=True)
class Recipe:
    """A method, an in-filler and a measure with their published settings."""

    name: str
    summary: str
    """Description of the published method, with its source."""
    method: dict[str, Any]
    """`name` and settings of the method."""
    infiller: dict[str, Any]
    """`name` and settings of the in-filler."""
    measure: str
    """Name of the measure."""


def recipes() -> list[str]:
    """Return the names of all recipes."""
    return toml_names("unsee.recipes")


def toml_names(package: str) -> list[str]:
    """Return the names, without suffix, of the TOML files in a package."""
    names = (entry.name for entry in files(package).iterdir())
    return sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml"))


def recipe(name: str) -> Recipe:
    """Return the recipe of this name.

    Raises:
        InputError: There is no such recipe.
    """
    if name not in recipes():
        raise unknown("recipe", str(name), recipes())
    text = files("unsee.recipes").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return Recipe(name, **tomllib.loads(text))
