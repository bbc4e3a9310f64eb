"""The command line: one module for each command, with a frozen dataclass for its options."""

import os
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version

from unsee.classifiers.allocator import keep_memory
from unsee.cli import console
from unsee.errors import InputError, unknown
from unsee.process.libraries import import_matplotlib

COMMANDS = {
    "explain": "explain photos: for each a folder with map, pictures and numbers",
    "compare": "compare methods and in-fillers on one photo: a picture and a table",
    "counterfactual": "show what must be in-filled so that another class is the answer",
    "sweep": "explain one photo with a setting at several values, or with several seeds",
    "sanity": "explain one photo while the classifier's layers are randomised",
    "sanity-labels": "compare maps of networks trained on true and on shuffled labels",
    "evaluate": "measure methods and in-fillers on many photos, in a run that can resume",
    "report": "make tables of runs: HTML, Markdown, CSV, LaTeX",
    "audit": "find regions that carry a classifier's decisions, and test whether they cause them",
    "evaluate-infill": "measure how well in-fillers remove objects and restore what is missing",
    "train": "train the networks of methods and in-fillers, in a run that can resume",
    "export": "write a method that is a trained network to an ONNX file",
    "bench": "time the classifier, and the overhead of methods",
    "list": "list methods, infillers, classifiers, metrics, datasets, cells, measures, recipes\n"
    "or tables, or the settings of one: unsee list methods fido",
    "completion": "print a script by which bash, zsh or fish complete commands and names",
    "demo": "explain a photo that comes with a package",
    "studio": "open a page in the browser to explain photos by hand",
}
STATUSES = {
    0: "done",
    1: "something could not be done; the rest is",
    2: "the command cannot be carried out; nothing is written",
    70: "a fault of unsee: please report it; UNSEE_DEBUG=1 shows the traceback",
    130: "interrupted; finished results are kept",
}
"""Exit statuses."""
GRAMMAR = """\
METHOD, INFILLER, METRIC    NAME or NAME:setting=value,...      rise:samples=500,cells=8
CELLS                       NAME[:setting=value,...]            slic:n=150, labels:map.png
METHOD with a recipe        recipe:NAME[:setting=value,...]     recipe:fido-sdr:steps=100
CLASSIFIER                  SOURCE[:ARGUMENT][,setting=value]   timm:resnet50,weights=my.pth
DATA                        PATH or DATASET:PATH[,setting=...]  voc:VOC2012,split=train
Lists are separate words:   --methods tide rise:samples=500 recipe:igos_pp-published"""


def main(arguments: list[str] | None = None) -> int:
    """Run a command.

    Returns:
        The exit status, one of `STATUSES`.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    keep_memory()
    console.prepare_streams()
    import_matplotlib()
    return console.status_of(lambda: _dispatch(arguments))


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        console.say(_usage())
        return 0
    if arguments[0] == "--version":
        console.say(f"unsee {version('unsee')}\n")
        return 0
    name, *options = arguments
    if name not in COMMANDS:
        raise unknown("command", name, COMMANDS)
    _check_no_files(options)
    run: Callable[[list[str]], int] = import_module(f"unsee.cli.{name.replace('-', '_')}").run
    return run(options)


def _check_no_files(words: list[str]) -> None:
    """Raise `InputError` for an option that is the name of a file: the shell may have put it there.

    In the folder of a stranger, `unsee explain *` would take the names of files as options.
    """
    for word in words:
        if word.startswith("-") and os.path.lexists(word):
            raise InputError(
                f"{word}: an option, and the name of a file in this folder; write ./* in place of "
                "*, or rename the file"
            )


def _usage() -> str:
    width = max(map(len, COMMANDS))
    summaries = {
        name: summary.replace("\n", "\n" + " " * (width + 4)) for name, summary in COMMANDS.items()
    }
    commands = "\n".join(f"  {name:<{width}}  {summary}" for name, summary in summaries.items())
    grammar = "\n".join(f"  {line}" for line in GRAMMAR.splitlines())
    statuses = "\n".join(f"  {status:>3}  {meaning}" for status, meaning in STATUSES.items())
    return (
        "usage: unsee COMMAND [OPTIONS]\n\n"
        "Find the image regions that a classifier's decision depends on, by replacing them with "
        f"plausible content.\n\n{commands}\n\nnames:\n{grammar}\n\nexit status:\n{statuses}\n\n"
        "unsee COMMAND --help lists the options of a command; --json prints a JSON document.\n"
    )
