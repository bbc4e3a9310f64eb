"""Cases that break the law on purpose, one way each; the test of the law runs them."""

import sys
import time
from pathlib import Path

from tests.hostile.cases import ACCEPTED, REFUSED, REST, Call, Command, case
from unsee import InputError

FAMILY = "breaches"


def refuse():
    raise InputError("no")


def breach(name, words, expected=REFUSED):
    """Register a function of an arena; the report must contain the words."""

    def register(function):
        case(FAMILY, f"{name} -> {words}", expected)(
            lambda arena: Call(name, lambda: function(arena))
        )
        return function

    return register


@breach("another error", "traceback: ZeroDivisionError")
def _(arena):
    1 / 0  # noqa: B018


@breach("two lines", "expected one line, got 2")
def _(arena):
    sys.stderr.write("unsee: first\n")
    refuse()


@breach("a foreign line", "a line that is not unsee's")
def _(arena):
    sys.stderr.write("warning\n")
    refuse()


@breach("success", "expected refused, got accepted")
def _(arena):
    pass


@breach("failure", "expected accepted, got refused", ACCEPTED)
def _(arena):
    refuse()


@breach("nothing reported", "expected status 1 and an error", REST)
def _(arena):
    pass


@breach("code", "CODE WAS RUN")
def _(arena):
    arena.canary.touch()
    refuse()


@breach("a lost file", "LOST 'home/precious.txt'")
def _(arena):
    (arena.home / "precious.txt").unlink()
    refuse()


@breach("a changed file", "CHANGED 'home/precious.txt'")
def _(arena):
    (arena.home / "precious.txt").write_text("x")
    refuse()


@breach("a file beside the output", "wrote outside of the output folder")
def _(arena):
    Path("note.txt").touch()
    refuse()


@breach("memory", "GiB more than the idle process")
def _(arena):
    b"\1" * 2**27
    refuse()


@breach("a long line", "a line of ")
def _(arena):
    sys.stderr.write(f"unsee: {'x' * 10_000}\n")
    refuse()


@breach("an unexpected error", "an unexpected error")
def _(arena):
    raise InputError("unexpected error")


@breach("controls", "prints the control character")
def _(arena):
    sys.stderr.write("unsee: \x1b[2J\n")
    raise SystemExit


@breach("a signal", "killed by signal 9")
def _(arena):
    import os
    import signal

    os.kill(os.getpid(), signal.SIGKILL)


@breach("a hang", "hangs: stopped")
def _(arena):
    time.sleep(100)


@breach("much computing", "s of processor time")
def _(arena):
    while True:
        pass


@case(FAMILY, "a result that is missing -> no result", ACCEPTED)
def _(arena):
    return Command(("list", "methods"), check=lambda arena: "no result")
