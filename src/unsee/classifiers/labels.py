"""Class names: from an index to a name and back."""

import re
from collections.abc import Sequence

from unsee.errors import InputError, shown, unknown

FIRST_OF_IMAGENET = "tench"
"""Start of the name of class 0 in all lists of ImageNet's classes."""
CLASSES_OF_IMAGENET = 1000
INDEX = re.compile("-?[0-9]{1,18}")
"""Text that is an index of a class."""


class Synonyms(str):
    """Name of a class in a list that separates synonyms by commas, as ImageNet's does.

    In any other name, a comma is a part of the name.
    """

    __slots__ = ()


def with_synonyms(labels: Sequence[str]) -> tuple[str, ...]:
    """Return class names, those of ImageNet's list as `Synonyms`."""
    is_imagenet = len(labels) == CLASSES_OF_IMAGENET and labels[0].startswith(FIRST_OF_IMAGENET)
    return tuple(map(Synonyms, labels)) if is_imagenet else tuple(labels)


def fitted(labels: tuple[str, ...], columns: int, classes: int) -> tuple[str, ...]:
    """Return the names of a model's classes; the name of a single column is that of class 1.

    Raises:
        InputError: There are more or fewer names than classes.
    """
    if len(labels) == columns == 1 and classes == 2:
        return f"not {labels[0]}", labels[0]
    if labels and len(labels) != classes:
        raise InputError(
            f"{len(labels)} names for {classes} outputs of the model; expected one for each"
        )
    return labels


def name_of(labels: Sequence[str], index: int) -> str:
    """Return the first synonym of a class, or its index as text if the class has no name."""
    return synonyms_of(labels[index])[0] if index < len(labels) else str(index)


def synonyms_of(label: str) -> list[str]:
    """Return the names of a class: several only for `Synonyms`."""
    return [name.strip() for name in label.split(",")] if isinstance(label, Synonyms) else [label]


def index_of(labels: Sequence[str], target: str | int) -> int:
    """Return the class index that a number or a name stands for.

    Args:
        labels: Names of the classes in the order of the logits.
        target: An index, any synonym in any case, or an index as text. Text that is the name of a
            class is not read as an index, since names may be numbers.

    Raises:
        InputError: The index is out of range, the name is unknown, or several classes have it.
    """
    if isinstance(target, int) and abs(target) >= 2**63:
        raise InputError(f"expected a class by number or name, got {shown(target)}")
    is_name = isinstance(target, str) and target in labels  # a name may be a number: "10"
    if isinstance(target, int) or (INDEX.fullmatch(target) and not is_name):
        if not 0 <= int(target) < (len(labels) or int(target) + 1):
            classes = f"in 0..{len(labels) - 1}" if labels else "a number from 0"
            raise InputError(f"class {target} is not {classes}")
        return int(target)
    if not labels:
        raise InputError(f"this classifier has no class names; expected a number, got {target!r}")
    synonyms = [
        (synonym.strip(), index)
        for index, label in enumerate(labels)
        for synonym in (label, *synonyms_of(label))
    ]
    indices = sorted({index for name, index in synonyms if name.lower() == target.lower()})
    if len(indices) > 1:
        raise InputError(f"{target!r} names classes {indices}; give the number")
    if not indices:
        single = (name for label in labels for name in synonyms_of(label))
        raise unknown("class", target, dict.fromkeys(single))
    return indices[0]
