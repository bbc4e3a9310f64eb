"""Errors that a user can fix; their messages say what was expected and what was received."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

MAX_LISTED = 30
"""Number of choices that an error message lists."""


class InputError(ValueError):
    """An input or a setting cannot be used; the message is one line."""


class DiskFullError(InputError):
    """There is no disk space left to write a result."""


def unknown(kind: str, name: str, choices: Iterable[str]) -> InputError:
    """Return an error for a name that is not among the choices, with the closest of them.

    Args:
        kind: What the name stands for, in the singular: "method", "setting of rise".
        name: The unknown name.
        choices: All valid names.
    """
    choices = list(choices)
    close = nearest(name, choices)
    if close:
        hint = f"did you mean {' or '.join(map(repr, close))}?"
    else:
        more = ", ..." if len(choices) > MAX_LISTED else ""
        hint = f"choose from {', '.join(choices[:MAX_LISTED])}{more}"
    return InputError(f"unknown {kind} {name!r}; {hint}")


def nearest(name: str, choices: Iterable[str]) -> list[str]:
    """Return at most five choices that contain `name` as a word, or three that resemble it."""
    lowered = {choice.lower(): choice for choice in choices}
    word = re.compile(rf"\b{re.escape(name.lower())}\b")
    whole = [choice for key, choice in lowered.items() if name and word.search(key)]
    close = get_close_matches(name.lower(), lowered, 3, 0.5)
    return whole[:5] or [lowered[match] for match in close]
