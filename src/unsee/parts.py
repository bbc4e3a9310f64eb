"""The parts that make a map: a method, its in-filler and its measure."""

from typing import NamedTuple

from unsee.classifiers import measures
from unsee.classifiers.measures import Measure
from unsee.errors import InputError
from unsee.infillers.base import Infiller
from unsee.methods.base import Method
from unsee.registry import create, name_of, recipe_of, resolve
from unsee.registry.settings import SettingValue

OWN = "own"
"""In place of an in-filler's name: the in-filler with which the method was published."""


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
