"""The names of the 1000 classes of ILSVRC-2012."""

from functools import cache
from importlib.resources import files


@cache
def labels() -> tuple[str, ...]:
    """WordNet's lemmas, synonyms separated by commas, in the usual order."""
    text = files("unsee.sources").joinpath("imagenet.txt").read_text(encoding="utf-8")
    return tuple(line.split("\t")[1] for line in text.splitlines())
