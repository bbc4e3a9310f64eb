"""Split texts: several specifications, and a specification at its settings."""

import re

SETTING = r"[A-Za-z_]\w*\s*="
"""Beginning of a setting."""
QUOTED = r"""=\s*(?:"[^"]*"|'[^']*')(?=\s*(?:,|$))"""
"""Value in quotes."""
_NAME = r"(?:[A-Za-z][\w-]*(?:[,:]|$)|[A-Za-z][\w.]*:)"


def split_at_settings(text: str) -> list[str]:
    """Split at each comma that a setting follows, unless it is inside a value in quotes."""
    quoted = [match.span() for match in re.finditer(QUOTED, text)]
    commas = [match.start() for match in re.finditer(rf",(?=\s*{SETTING})", text)]
    cuts = [at for at in commas if not any(first < at < last for first, last in quoted)]
    starts, ends = [0, *(at + 1 for at in cuts)], [*cuts, len(text)]
    return [text[first:last] for first, last in zip(starts, ends, strict=True)]


def split_words(words: tuple[str, ...]) -> tuple[str, ...]:
    """Split `a,b` into two specifications, but not the settings of one, and drop duplicates."""
    parts = (spec.strip() for word in words for spec in re.split(rf",(?=\s*{_NAME})", word))
    return tuple(dict.fromkeys(filter(None, parts)))
