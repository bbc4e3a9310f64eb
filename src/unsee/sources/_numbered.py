"""Class names that a checkpoint stores by number."""

import re
from collections.abc import Mapping

from unsee.errors import InputError, shown

NUMBER = re.compile(r"[0-9]{1,9}")
LISTED = 3
"""Numbers that a message lists."""

WITHOUT = {21841: {9205, 15027}}
"""Numbers that a list skips, by its length. Published checkpoints of ImageNet-22k (BEiT, ConvNeXt,
FocalNet) keep the numbers of a list of 21843 classes, two of which have no output."""


def in_order(names: Mapping[object, str], key: str, source: str) -> tuple[str, ...]:
    """Return class names in the order of their numbers, which are those of the outputs.

    Args:
        names: Name of each class by its number, or by its number as text.
        key: Key of the configuration that has the names, for messages.
        source: Name of the model, for messages.

    Raises:
        InputError: The numbers are not 0, 1, 2 and so on.
    """
    by_number = {_number(number): name for number, name in names.items()}
    skipped = WITHOUT.get(len(names), set())
    for expected in (set(range(len(names))), set(range(len(names) + len(skipped))) - skipped):
        if by_number.keys() == expected:
            return tuple(by_number[number] for number in sorted(expected))
    wrong = [n for n in names if _number(n) not in range(len(names))] or list(names)
    more = ", ..." if len(wrong) > LISTED else ""
    raise InputError(
        f"{source}: {key} names {len(names)} classes, expected the numbers 0 to {len(names) - 1}, "
        f"each once, got {', '.join(shown(number) for number in wrong[:LISTED])}{more}; "
        "correct config.json"
    )


def _number(key: object) -> int:
    """Return the number that a key stands for; -1 if it is none."""
    if isinstance(key, str) and NUMBER.fullmatch(key):
        return int(key)
    return key if isinstance(key, int) and not isinstance(key, bool) else -1
