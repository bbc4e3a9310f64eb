"""Numbers and names of ImageNet's classes."""

from functools import cache
from importlib.resources import files

from unsee.datasets.base import Names


@cache
def _lines() -> tuple[tuple[str, str], ...]:
    """Return WordNet id and synonyms of the classes of ILSVRC-2012, in the order of the classes."""
    text = files("unsee.sources").joinpath("imagenet.txt").read_text(encoding="utf-8")
    pairs = (line.partition("\t") for line in text.splitlines())
    return tuple((id, synonyms) for id, _, synonyms in pairs)


@cache
def imagenet_numbers() -> dict[str, int]:
    """Return the number of each of the 1000 classes of ILSVRC-2012 by WordNet id."""
    return {id: number for number, (id, _) in enumerate(_lines())}


@cache
def imagenet_classes() -> Names:
    """Return the names of the classes: the WordNet id, all synonyms together, and each of them."""
    return {
        number: (id, synonyms, *synonyms.split(", "))
        for number, (id, synonyms) in enumerate(_lines())
    }
