"""Errors that a user can fix; their messages say what was expected and what was received."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from textwrap import shorten

DEBUG = "UNSEE_DEBUG"
"""Environment variable; 1 shows the traceback of an unexpected error."""
OUT_OF_MEMORY_MESSAGES = (
    "out of memory",
    "can't allocate memory",
    "not enough memory",
    "CUDNN_STATUS_ALLOC",
)
"""Parts of torch's error messages when memory runs out; only CUDA has an error class for it."""
MAX_LISTED = 30
"""Number of choices up to which an error message lists all of them."""
FEW_LISTED = 8
"""Number of choices that it lists where there are more."""
MAX_REASON = 200
"""Number of characters of another library's error that are shown."""
MAX_MESSAGE = 1000
"""Number of characters of an error message; the middle of a longer one is left out."""
MAX_SHOWN = 60
"""Number of characters of a value in an error message."""

PACKAGES = {
    "pytorch_grad_cam": "grad-cam", "tensorboard": "accelerate tensorboard",
    "wandb": "accelerate wandb", "trackio": "accelerate trackio",
}  # fmt: skip
"""Packages that are installed under another name than that of the import."""


class InputError(ValueError):
    """An input or a setting cannot be used; the message is one line.

    A message may name arguments of the caller: `InputError("it exists; pass {overwrite}",
    overwrite=True)` reads "pass overwrite=True" in Python and "pass --overwrite" in a shell.
    """

    def __init__(self, message: str, **arguments: object) -> None:
        self.message, self.arguments = message, arguments
        super().__init__(_in_python(message, arguments))

    def in_shell(self) -> str:
        """Return the message with arguments as options of the command line."""
        return _in_shell(self.message, self.arguments)

    def prefixed(self, prefix: object) -> "InputError":
        """Return the same error with `prefix: ` before its message, unless it is named already."""
        if str(prefix) in self.message:
            return self
        return type(self)(f"{prefix}: {self.message}", **self.arguments)


@dataclass(frozen=True)
class Note:
    """A line about a result that is no error; it names arguments as an `InputError` does."""

    message: str
    arguments: Mapping[str, object] = field(default_factory=dict)
    """Value of each argument that the message names in braces."""

    def __str__(self) -> str:
        return _in_python(self.message, self.arguments)

    def in_shell(self) -> str:
        """Return the message with arguments as options of the command line."""
        return _in_shell(self.message, self.arguments)


class DiskFullError(InputError):
    """There is no disk space left to write a result."""


class TakenError(InputError):
    """The path of a new result exists, and is not replaced."""


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
        more = f" and {len(choices) - FEW_LISTED} others" if len(choices) > MAX_LISTED else ""
        listed = choices[:FEW_LISTED] if more else choices
        hint = f"choose from {', '.join(listed)}{more}"
    return InputError(f"unknown {kind} {name!r}; {hint}")


def nearest(name: str, choices: Iterable[str]) -> list[str]:
    """Return at most five choices that contain `name` as a word, or three that resemble it."""
    choice_of = {choice.lower(): choice for choice in choices}
    word = re.compile(rf"\b{re.escape(name.lower())}\b")
    containing = [choice for key, choice in choice_of.items() if name and word.search(key)]
    matches = get_close_matches(name.lower(), choice_of, 3, 0.5)
    return containing[:5] or [choice_of[match] for match in matches]


def _in_python(message: str, arguments: Mapping[str, object]) -> str:
    return _with(message, {name: f"{name}={v!r}" for name, v in arguments.items()})


def _in_shell(message: str, arguments: Mapping[str, object]) -> str:
    return _with(message, {name: _option(name, v) for name, v in arguments.items()})


def _with(message: str, words: dict[str, str]) -> str:
    for name, word in words.items():
        message = message.replace(f"{{{name}}}", word)
    return as_line(message)


def _option(name: str, value: object) -> str:
    word = name.replace("_", "-")
    if value is False:
        return f"--no-{word}"
    return f"--{word}" if value is True else f"--{word} {value}"


def printable(text: str) -> str:
    """Return a text in one line, with control characters and lone surrogates escaped."""
    text = " ".join(text.split())
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def as_line(text: str) -> str:
    """Return a message in one printable line of at most `MAX_MESSAGE` characters."""
    return cut(printable(text), MAX_MESSAGE)


def cut(text: str, limit: int) -> str:
    """Return a text of at most `limit` characters, without its middle if it is longer."""
    if len(text) <= limit:
        return text
    half = (limit - 5) // 2
    return f"{text[:half]} ... {text[-half:]}"


def shown(value: object) -> str:
    """Return a value as in Python, shortened; its type if it cannot be shown.

    Numbers of more than 4300 digits raise an error in `repr`, and so may objects of a user.
    """
    if isinstance(value, int) and value.bit_length() > 4 * MAX_SHOWN:
        return f"a whole number of {value.bit_length()} bits"
    try:
        return cut(repr(value), MAX_SHOWN)
    except Exception:  # the object's own __repr__ fails
        return type(value).__name__


def reason(error: BaseException) -> str:
    """Return the first line of another library's error, shortened; its type if it has no text."""
    try:
        lines = [line for line in str(error).splitlines() if line.strip()]
    except Exception:  # the error's own __str__ fails
        lines = []
    return shorten(lines[0], MAX_REASON, placeholder="...") if lines else type(error).__name__


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error means that memory did not suffice."""
    try:
        text = str(error)
    except Exception:  # the error's own __str__ fails
        return False
    return isinstance(error, MemoryError) or any(part in text for part in OUT_OF_MEMORY_MESSAGES)


def as_message(error: Exception) -> InputError:
    """Return an error that ends the work on one thing, not on all, as one line.

    An error that is not foreseen is a fault of unsee; with `UNSEE_DEBUG=1` it is raised again.
    """
    if isinstance(error, InputError):
        return error
    if is_out_of_memory(error):
        advice = "free memory, use smaller images, or another device"
        return InputError(f"out of memory ({reason(error)}); {advice}")
    if os.environ.get(DEBUG, "0") not in {"", "0"}:
        raise error
    return InputError(
        f"unexpected error ({type(error).__name__}: {reason(error)}); this is a fault of unsee, "
        f"please report it; {DEBUG}=1 shows the traceback"
    )


@contextmanager
def as_input_error(description: object) -> Iterator[None]:
    """Turn every error of the block into an `InputError` that starts with `description`.

    An `InputError` passes unchanged, and so do `KeyboardInterrupt` and `MemoryError`.
    `SystemExit` is turned too: code of a user must not end the program with success.
    """
    try:
        yield
    except (InputError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        name = "" if isinstance(error, OSError) else f"{type(error).__name__}: "
        raise InputError(f"{description} ({name}{reason(error)})") from error


def missing_package(package: str, purpose: str, error: Exception | None = None) -> InputError:
    """Return an error for an optional package that cannot be imported.

    Args:
        package: The package, by the name under which it is imported.
        purpose: What needs it.
        error: Error of the import.
    """
    package = PACKAGES.get(package, package)
    why = f" ({reason(error)})" if error else ""
    return InputError(
        f"{purpose} needs {package}{why}; install it: python -m pip install {package}"
    )
