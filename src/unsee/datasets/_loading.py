"""Load a labelled data set by name, or by the layout of its files."""

import os
from pathlib import Path

from unsee.datasets.base import Dataset, Samples
from unsee.errors import InputError
from unsee.registry import (
    available,
    create,
    parse,
    part,
    resolve,
    settings_about,
    trust_of,
    usable_parts,
)
from unsee.storage.files import exists

FALLBACK = "image_folder"
"""Data set that accepts any folder, and is therefore tried after all others."""


def load_data(spec: str, *, trust: bool = False) -> Samples:
    """Return the samples of `DATASET:PATH[,setting=value,...]`, or of a path of a known layout.

    The samples carry notes about what was left out.

    Args:
        spec: The specification. A data set that is made of another one takes the specification of
            that one instead of a path, and the settings that it does not have itself are the
            other's: `mosaics:voc:VOC2012,split=train,count=20`.
        trust: Whether a data set may load code and programs, for those that load a classifier.

    Raises:
        InputError: The path does not exist, or no data set recognises its layout.
    """
    name, argument, _ = parse("datasets", spec)
    named = name in available("datasets") and bool(argument)
    if named and part("datasets", name).is_composed:
        outer, inner = _divided(spec)
        composed: Dataset = resolve("datasets", outer, **trust_of("datasets", name, trust=trust))
        return composed.samples(Path(inner))
    path = Path(argument if named else spec)
    if "\0" in str(path) or not os.path.lexists(path):
        raise InputError(f"{path}: no such data set")
    if not os.access(path, os.R_OK):
        raise InputError(f"{path}: the data set cannot be read (no permission, or a broken link)")
    if named:
        dataset: Dataset = resolve("datasets", spec)
        return dataset.samples(path)
    layouts = [name for name, cls in usable_parts("datasets") if not cls.is_composed]
    for candidate in sorted(layouts, key=lambda name: name == FALLBACK):
        dataset = create("datasets", candidate)
        if dataset.recognises(path):
            return dataset.samples(path)
    raise InputError(
        f"{path}: unknown layout; expected one of {', '.join(layouts)} (see unsee list datasets)"
    )


def check_data(spec: str) -> None:
    """Check the names and settings of a data set, and that there is such a path; read nothing.

    Raises:
        InputError: As `load_data`, except for what only the files tell.
    """
    name, argument, _ = parse("datasets", spec)
    if name in available("datasets") and argument:
        if part("datasets", name).is_composed:
            outer, inner = _divided(spec)
            resolve("datasets", outer)
            check_data(inner)
            return
        resolve("datasets", spec)
        spec = argument
    if not exists(spec):
        raise InputError(f"{spec}: no such data set")


def loads_classifier(spec: str) -> bool:
    """Return whether the data set of a specification loads a classifier."""
    name = parse("datasets", spec).name
    return name in available("datasets") and part("datasets", name).loads_classifier


def _divided(spec: str) -> tuple[str, str]:
    """Return the specifications of a composed data set and of the one that it is made of."""
    name, argument, texts = parse("datasets", spec)
    inner = parse("datasets", argument).name
    if inner not in available("datasets"):  # a path, which has no settings
        return spec, argument
    if part("datasets", inner).is_composed:
        raise InputError(f"{spec}: expected photos, got the data set {inner}, which composes them")
    own = {setting.name for setting in settings_about("datasets", name)}
    outer = "".join(f",{key}={value}" for key, value in texts.items() if key in own)
    rest = "".join(f",{key}={value}" for key, value in texts.items() if key not in own)
    return f"{name}{outer}", f"{argument}{rest}"
