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
QUOTES = ("'", '"')
"""Marks around a value."""
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
    head, *pairs = _split_before(SETTING, text.strip().rstrip(","))
    name, _, argument = (part.strip() for part in head.partition(":"))
    if re.match(SETTING, argument):
        argument, pairs = "", [argument, *pairs]
    texts = {}
    for pair in pairs:
        setting, _, value = pair.partition("=")
        texts[setting.strip()] = value.strip()
    return Spec(name, unquoted(argument), texts)


def check_no_file(text: str, *, whole: bool = True) -> None:
    """Raise `InputError` if the name of a file is part of a specification and would be changed.

    A file may be named by a stranger: nothing in its name becomes a setting, and no other name is
    read because a blank or a comma at the end of its name was dropped.

    Args:
        text: A specification, as it was written.
        whole: Whether the text may be a path itself; else a path follows a colon or `=`.
    """
    _check_parts(text, _split_before(SETTING, text), whole=whole)


def split_words(words: tuple[str, ...]) -> tuple[str, ...]:
    """Split `a,b` into two specifications, but not the settings of one, and drop duplicates.

    Raises:
        InputError: A part of a word that is split is the name of a file.
    """
    specs = []
    for word in words:
        parts = _split_before(NAME, word)
        _check_parts(word, parts, whole=any(":" in part for part in parts[1:]))
        for part in parts:
            check_no_file(part, whole=False)  # as written: blanks at the ends are dropped below
        specs += [part.strip() for part in parts]
    return tuple(dict.fromkeys(filter(None, specs)))


def check_no_name(text: str, path: str, mend: str) -> None:
    """Raise `InputError` if what names code, or a part, is the name of a file too."""
    _refuse(text, path, _variants(path), mend)


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
    """Split at each comma that such a beginning follows, unless it is inside quotes."""
    quoted = [match.span() for match in re.finditer(QUOTED, text)]
    commas = [match.start() for match in re.finditer(rf",(?=\s*{beginning})", text)]
    cuts = [at for at in commas if not any(first < at < last for first, last in quoted)]
    starts, ends = [0, *(at + 1 for at in cuts)], [*cuts, len(text)]
    return [text[first:last] for first, last in zip(starts, ends, strict=True)]


def _check_parts(text: str, parts: Sequence[str], *, whole: bool) -> None:
    """Raise `InputError` if several parts together are the name of a file, or one loses its end."""
    if len(parts) > MAX_PARTS:
        raise InputError(f"{text[:MAX_PARTS]}...: expected at most {MAX_PARTS} settings or parts")
    for path, is_split in _joined(parts, whole=whole):
        names = _variants(path)
        if not is_split:
            names.discard(path.strip().rstrip(",").rstrip())  # the name that is read
        _refuse(text, path, names, 'put the path in quotes, as in file:"PATH",setting=value')


def _joined(parts: Sequence[str], *, whole: bool) -> Iterator[tuple[str, bool]]:
    """Yield what successive parts may be together, if they are one path.

    Yields:
        The path as written, and whether it is one that is split.
    """
    for number, part in enumerate(parts):
        starts = [m.end() for m in re.finditer(r"[:=]", part)][: MAX_COLONS + 1]
        for start in [0, *starts] if number == 0 else starts:
            ends = accumulate(parts[number + 1 :], lambda before, more: f"{before},{more}",
                              initial=part[start:])  # fmt: skip
            for count, path in enumerate(ends):
                yield path, count > 0 and (whole or start > 0)


def _variants(path: str) -> set[str]:
    """Return a path with and without the blanks and commas at its ends that are dropped."""
    names = {path} if len(path) <= MAX_PATH else set()
    for _ in range(3):  # blanks, commas, and blanks before these
        names |= {change(name) for name in names for change in (str.lstrip, str.rstrip)}
        names |= {name.rstrip(",") for name in names}
    return names


def _refuse(text: str, path: str, names: set[str], mend: str) -> None:
    """Raise `InputError` if there is a file of one of the names, or of one without quotes."""
    names = names | {name[1:] for name in names if name[:1] in QUOTES}
    names |= {name[:-1] for name in names if name[-1:] in QUOTES}
    if any(name and os.path.lexists(name) for name in names):
        raise InputError(f"{text}: {path} is also the name of a file; {mend}, or rename the file")
