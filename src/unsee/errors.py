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
    """Return an error for a name that is not among the choices, with the closest matches.

    Args:
        kind: Kind of thing that is named, in the singular: "method", "setting of rise".
        name: The unknown name.
        choices: All valid names.
    """
    choices = list(choices)
    matches = nearest(name, choices)
    if matches:
        hint = f"did you mean {' or '.join(map(repr, matches))}?"
    else:
        ellipsis = ", ..." if len(choices) > MAX_LISTED else ""
        hint = f"choose from {', '.join(choices[:MAX_LISTED])}{ellipsis}"
    return InputError(f"unknown {kind} {name!r}; {hint}")


def nearest(name: str, choices: Iterable[str]) -> list[str]:
    """Return at most five choices that contain `name` as a word, or three that resemble it."""
    choice_of = {choice.lower(): choice for choice in choices}
    word = re.compile(rf"\b{re.escape(name.lower())}\b")
    containing = [choice for key, choice in choice_of.items() if name and word.search(key)]
    matches = get_close_matches(name.lower(), choice_of, 3, 0.5)
    return containing[:5] or [choice_of[match] for match in matches]
