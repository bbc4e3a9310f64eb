"""Class names of ILSVRC-2012."""

from functools import cache
from importlib.resources import files

from unsee.classifiers.labels import Synonyms


@cache
def labels() -> tuple[str, ...]:
    """Return the 1000 class names in the usual order: WordNet lemmas, synonyms after commas."""
    text = files("unsee.sources").joinpath("imagenet.txt").read_text(encoding="utf-8")
    return tuple(Synonyms(line.split("\t")[1]) for line in text.splitlines())
