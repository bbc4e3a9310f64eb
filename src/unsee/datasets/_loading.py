"""Load a labelled data set by name, or by the layout of its files."""

from pathlib import Path

from unsee.datasets.base import Dataset, Sample
from unsee.errors import InputError
from unsee.registry import available, create, parse, resolve

LAST = "image_folder"
"""Recognises any folder, so that it is asked after all others."""


def load_data(spec: str) -> list[Sample]:
    """Load a labelled data set: `DATASET:PATH[,setting=value,...]`, or a path of a known layout.

    Raises `InputError` for a path that is not there or that nothing recognises.
    """
    name, argument, _ = parse("datasets", spec)
    named = name in available("datasets") and bool(argument)
    path = Path(argument if named else spec)
    if not path.exists():
        raise InputError(f"{path}: no such data set")
    if named:
        found: list[Sample] = resolve("datasets", spec).samples(path)
        return found
    for candidate in sorted(available("datasets"), key=lambda known: known == LAST):
        data: Dataset = create("datasets", candidate)
        if data.recognises(path):
            return data.samples(path)
    raise InputError(
        f"{path}: no data set that is known ({', '.join(available('datasets'))}); see "
        "unsee list datasets"
    )
