"""Class names: from an index to a name and back."""

from collections.abc import Sequence

from unsee.errors import InputError, unknown


def name_of(labels: Sequence[str], index: int) -> str:
    """Return the first synonym of a class, or its index as text if the class has no name."""
    return labels[index].split(",")[0] if index < len(labels) else str(index)


def index_of(labels: Sequence[str], target: str | int) -> int:
    """Return the class index that a number or a name stands for.

    Args:
        labels: Names of the classes in the order of the logits, synonyms separated by commas.
        target: An index, an index as text, or any synonym in any case.

    Raises:
        InputError: The index is out of range, the name is unknown, or several classes have it.
    """
    if isinstance(target, int) or target.lstrip("-").isdigit():
        if not 0 <= int(target) < (len(labels) or int(target) + 1):
            raise InputError(f"class {target} is not in 0..{len(labels) - 1}")
        return int(target)
    if not labels:
        raise InputError(f"this classifier has no class names; expected a number, got {target!r}")
    synonyms = [
        (synonym.strip(), index)
        for index, label in enumerate(labels)
        for synonym in (label, *label.split(","))
    ]
    indices = sorted({index for name, index in synonyms if name.lower() == target.lower()})
    if len(indices) > 1:
        raise InputError(f"{target!r} names classes {indices}; give the number")
    if not indices:
        single = (name for name, _ in synonyms if "," not in name)
        raise unknown("class", target, dict.fromkeys(single))
    return indices[0]
