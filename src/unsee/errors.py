"""What is said when the input is wrong: what was expected, what came, how to mend it."""

import re
from collections.abc import Iterable
from difflib import get_close_matches


class InputError(ValueError):
    """Something that the caller gave cannot be used; the message is one clear line."""


class DiskFullError(InputError):
    """There is no space left to write a result; nothing further can be kept."""


def unknown(kind: str, name: str, known: Iterable[str]) -> InputError:
    """Say that `name` is not among the `known` ones, and offer the nearest of them."""
    known = list(known)
    near = nearest(name, known)
    if near:
        hint = f"did you mean {' or '.join(map(repr, near))}?"
    else:
        hint = f"there are {', '.join(known[:30])}{', ...' if len(known) > 30 else ''}"
    return InputError(f"no {kind} is called {name!r}; {hint}")


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """Return at most five names that contain `name` as a whole word, or three that resemble it."""
    lowered = {entry.lower(): entry for entry in known}
    word = re.compile(rf"\b{re.escape(name.lower())}\b")
    whole = [entry for key, entry in lowered.items() if name and word.search(key)]
    close = get_close_matches(name.lower(), lowered, 3, 0.5)
    return whole[:5] or [lowered[match] for match in close]
