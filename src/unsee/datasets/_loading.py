"""Load a labelled data set by name, or by the layout of its files."""

import os
from pathlib import Path

from unsee.datasets.base import Dataset, Samples
from unsee.errors import InputError
from unsee.registry import available, create, parse, part, resolve

FALLBACK = "image_folder"
"""Data set that accepts any folder, and is therefore tried after all others."""


def load_data(spec: str) -> Samples:
    """Return the samples of `DATASET:PATH[,setting=value,...]`, or of a path of a known layout.

    The samples carry notes about what was left out.

    Raises:
        InputError: The path does not exist, or no data set recognises its layout.
    """
    name, argument, _ = parse("datasets", spec)
    named = name in available("datasets") and bool(argument)
    path = Path(argument if named else spec)
    if named and part("datasets", name).is_derived:
        derived: Dataset = resolve("datasets", spec)
        return derived.samples(path)
    if "\0" in str(path) or not os.path.lexists(path):
        raise InputError(f"{path}: no such data set")
    if not os.access(path, os.R_OK):
        raise InputError(f"{path}: the data set cannot be read (no permission, or a broken link)")
    if named:
        dataset: Dataset = resolve("datasets", spec)
        return dataset.samples(path)
    for candidate in sorted(available("datasets"), key=lambda name: name == FALLBACK):
        dataset = create("datasets", candidate)
        if dataset.recognises(path):
            return dataset.samples(path)
    raise InputError(
        f"{path}: unknown layout; expected one of {', '.join(available('datasets'))} "
        "(see unsee list datasets)"
    )
