"""The command line. One file for each command; flags are derived from the dataclasses."""

import sys
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version

from unsee.classifiers.allocator import keep_memory
from unsee.errors import InputError, unknown

COMMANDS = {
    "explain": "explain photos: maps, pictures and numbers, a folder each",
    "compare": "one photo, several methods and in-fillers: a picture and a table",
    "sweep": "one photo, one method, a setting at several values or several seeds",
    "sanity": "one photo's map while the classifier forgets, layer by layer",
    "sanity-labels": "maps of a network that learned, beside one that learned shuffled labels",
    "evaluate": "many photos, methods and metrics: a run that never loses a row",
    "report": "what runs came to: tables, a page, CSV, LaTeX",
    "evaluate-infill": "how well in-fillers hide objects and bring back what is missing",
    "train": "train the networks of methods and in-fillers; a stopped run goes on where it was",
    "bench": "time the bare classifier, and how far methods are above it",
    "list": "list methods, infillers, classifiers, metrics, datasets, recipes or papers' tables",
    "demo": "explain a real photo that comes with a package",
}


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit status is 0, or 1 if anything could not be done, or 2 for misuse."""
    arguments = sys.argv[1:] if arguments is None else arguments
    keep_memory()
    try:
        return _dispatch(arguments)
    except InputError as error:
        print_error(str(error))
        return 2
    except KeyboardInterrupt:
        print_error("stopped; what was finished is kept")
        return 130
    except BrokenPipeError:  # the reader of a pipe went away
        sys.stderr.close()
        return 1


def print_error(message: str) -> None:
    """One clear line."""
    sys.stderr.write(f"unsee: {' '.join(message.split())}\n")


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        width = max(map(len, COMMANDS))
        lines = [f"  {name:<{width}}  {what}" for name, what in COMMANDS.items()]
        help_text = (
            "usage: unsee COMMAND [OPTIONS]      (unsee COMMAND --help says more)\n\n"
            "Which part of a picture, had it plausibly not been there, would have changed the "
            "answer?\n\n" + "\n".join(lines)
        )
        sys.stdout.write(help_text + "\n")
        return 0
    if arguments[0] == "--version":
        sys.stdout.write(f"unsee {version('unsee')}\n")
        return 0
    name, *rest = arguments
    if name not in COMMANDS:
        raise unknown("command", name, COMMANDS)
    run: Callable[[list[str]], int] = import_module(f"unsee.cli.{name.replace('-', '_')}").run
    return run(rest)
