"""Split the text of a specification, unless a file has the name that is split."""

import os
import re
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from unsee.errors import InputError
from unsee.registry.settings import unquoted, untyped

SETTING = r"[A-Za-z_]\w*\s*="
"""Beginning of a setting."""
QUOTED = r"""[=:]\s*(?:"[^"]*"|'[^']*')(?=\s*(?:,|$))"""
"""Argument or value in quotes."""
NAME = r"(?:[A-Za-z][\w-]*(?:[,:]|$)|[A-Za-z][\w.]*:)"
"""Beginning of a specification in a list."""
LIBRARIES = ("torchvision", "timm")
"""Sources of architectures; another architecture is a function of the user."""
MAX_PARTS = 100
"""Largest number of settings in a specification, and of specifications in a word."""
MAX_COLONS = 4
"""Colons of a part after which a path may begin: `mosaics:voc:PATH`, `classifier=file:PATH`."""
MAX_PATH = 4096
"""Length beyond which no file has such a name."""


class Spec(NamedTuple):
    """A parsed specification of a part."""

    name: str
    argument: str
    """Argument of a source or a data set: the name of a model, a path. Empty if there is none."""
    texts: dict[str, str]
    """Settings as they were written."""

    @property
    def settings(self) -> dict[str, Any]:
        """Settings as TOML values; what is not TOML is a string."""
        return {name: untyped(text) for name, text in self.texts.items()}


def split(text: str) -> Spec:
    """Split `NAME[:ARGUMENT][,setting=value,...]` or `NAME[:setting=value,...]`."""
    head, *pairs = split_at_settings(text)
    name, _, argument = (part.strip() for part in head.partition(":"))
    if re.match(SETTING, argument):
        argument, pairs = "", [argument, *pairs]
    texts = {}
    for pair in pairs:
        setting, _, value = pair.partition("=")
        texts[setting.strip()] = value.strip()
    return Spec(name, unquoted(argument), texts)


def split_at_settings(text: str) -> list[str]:
    """Split at each comma that a setting follows, unless it is inside quotes."""
    return _split_before(SETTING, text.strip().rstrip(","))


def split_words(words: tuple[str, ...]) -> tuple[str, ...]:
    """Split `a,b` into two specifications, but not the settings of one, and drop duplicates.

    Raises:
        InputError: A part of a word that is split is the name of a file.
    """
    specs = []
    for word in words:
        parts = _split_before(NAME, word)
        check_no_file(word, parts, whole=any(":" in part for part in parts[1:]))
        specs += [part.strip() for part in parts]
    return tuple(dict.fromkeys(filter(None, specs)))


def check_no_file(text: str, parts: Sequence[str], *, whole: bool = True) -> None:
    """Raise `InputError` if several parts of a text together are the name of a file.

    A file may be named by a stranger, and nothing in its name becomes a setting.

    Args:
        text: Text that was split.
        parts: The parts, which commas separate.
        whole: Whether the text may be a path itself; else a path follows a colon or `=`.
    """
    if len(parts) > MAX_PARTS:
        raise InputError(f"{text[:MAX_PARTS]}...: expected at most {MAX_PARTS} settings or parts")
    for path in _joined(parts, whole=whole):
        check_no_name(text, path, 'put the path in quotes, as in file:"PATH",setting=value')


def check_no_name(text: str, path: str, mend: str) -> None:
    """Raise `InputError` if what names code, or a part, is the name of a file too."""
    if _is_name(path):
        raise InputError(f"{text}: {path} is also the name of a file; {mend}, or rename the file")


def check_no_code(text: str, spec: Spec) -> None:
    """Raise `InputError` for a classifier's code whose name is that of a file, too."""
    codes = []
    if spec.name == "factory" or (spec.name == "blackbox" and not spec.argument.endswith(".onnx")):
        codes += [text, spec.argument]
    architecture = unquoted(spec.texts.get("architecture", ""))
    if architecture.partition(":")[0] not in LIBRARIES:
        codes.append(architecture)
    for code in codes:
        check_no_name(text, code, "to load the file, use file:./PATH")


def _split_before(beginning: str, text: str) -> list[str]:
    quoted = [match.span() for match in re.finditer(QUOTED, text)]
    commas = [match.start() for match in re.finditer(rf",(?=\s*{beginning})", text)]
    cuts = [at for at in commas if not any(first < at < last for first, last in quoted)]
    starts, ends = [0, *(at + 1 for at in cuts)], [*cuts, len(text)]
    return [text[first:last] for first, last in zip(starts, ends, strict=True)]


def _joined(parts: Sequence[str], *, whole: bool) -> Iterator[str]:
    """Yield what several successive parts may be together, if they are one path."""
    for number, part in enumerate(parts[:-1]):
        starts = [m.end() for m in re.finditer(r"[:=]", part)][: MAX_COLONS + 1]
        for start in [0, *starts] if whole and number == 0 else starts:
            ends = accumulate(parts[number + 1 :], lambda before, more: f"{before},{more}",
                              initial=part[start:])  # fmt: skip
            yield from list(ends)[1:]


def _is_name(path: str) -> bool:
    """Whether there is a file of this name, or of the name without quotes around it."""
    path = path.strip()
    if not path or len(path) > MAX_PATH:
        return False
    names = {path, *(path[1:] for _ in (0,) if path[0] in "'\"")}
    names |= {name[:-1] for name in names if name[-1:] in {"'", '"'}}
    return any(name and os.path.lexists(name) for name in names)
