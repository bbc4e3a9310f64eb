"""Run each action of a case in a forked process with limits, and collect what it did."""

import json
import os
import resource
import shlex
import signal
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path

from tests.hostile.cases import Action, Arena, Call, Case, Command

CPU_SECONDS = 20
"""Processor time of one action; it does not depend on other work on the machine."""
WALL_SECONDS = 60
"""Time after which an action that waits is stopped."""
MAX_GROWTH = 3 * 2**29
"""Bytes by which the resident memory may exceed that of the idle process: 1.5 GiB."""
ADDRESS_SPACE = 3 * 2**30
"""Bytes by which the address space may grow, so that a bomb cannot stop the machine."""
ANSWER = b"y\n" * 64
"""What is on standard input: a command must not ask, and must not take this for trust."""


@dataclass
class Result:
    """What an action did."""

    status: int
    """The exit status; negative for a signal."""
    stdout: str
    stderr: str
    seconds: float
    growth: int
    """Bytes by which the resident memory grew at most."""
    error: str = ""
    """Traceback of an exception that left the command or the call."""
    timed_out: bool = False
    changes: list[str] = field(default_factory=list)
    """Changes outside of the output folder."""


def run(case: Case, action: Action, arena: Arena) -> Result:
    """Run an action in a child process."""
    logs = Path(tempfile.mkdtemp(prefix="unsee-log-"))
    sys.stdout.flush()
    sys.stderr.flush()
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:
        _child(action, arena, logs)
    status, timed_out = _wait(pid, started + WALL_SECONDS)
    stdout, stderr = ((logs / n).read_bytes().decode("utf-8", "backslashreplace")
                      for n in ("stdout", "stderr"))  # fmt: skip
    report = {"seconds": time.monotonic() - started, "growth": 0, "error": ""}
    if (logs / "report").exists():
        report |= json.loads((logs / "report").read_text())
    for path in logs.iterdir():
        path.unlink()
    logs.rmdir()
    return Result(status, stdout, stderr, timed_out=timed_out, **report)


def _wait(pid: int, deadline: float) -> tuple[int, bool]:
    pause = 0.005
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status), False
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)
    os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), True


def _child(action: Action, arena: Arena, logs: Path) -> None:
    """Run the action and leave, without the parent's handlers."""
    status, report = 70, {"error": ""}
    try:
        _enter(arena, logs)
        before = _memory("VmRSS")
        started = time.process_time()
        status, report["error"] = _perform(action)
        sys.stdout.flush()
        sys.stderr.flush()
        report["seconds"] = time.process_time() - started
        report["growth"] = max(0, _memory("VmHWM") - before)
        with (logs / "report").open("w") as file:
            json.dump(report, file)
    except BaseException:
        os.write(2, f"the runner failed: {traceback.format_exc()}".encode())
    finally:
        os._exit(status & 0xFF)


def _enter(arena: Arena, logs: Path) -> None:
    """Move into the arena: folder, home, standard streams and limits."""
    os.chdir(arena.work)
    os.environ.update(
        HOME=str(arena.home), UNSEE_CACHE=str(arena.cache), TMPDIR=str(arena.temporary),
        XDG_CACHE_HOME=str(arena.home / ".cache"), UNSEE_CANARY=str(arena.canary), UNSEE_DEBUG="1",
    )  # fmt: skip
    tempfile.tempdir = None
    reading, writing = os.pipe()
    os.write(writing, ANSWER)
    os.close(writing)
    os.dup2(reading, 0)
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(logs / name, os.O_WRONLY | os.O_CREAT), number)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    for name, number in (("stdout", 1), ("stderr", 2)):
        stream = open(number, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        setattr(sys, name, stream)
    with Path("/proc/self/clear_refs").open("w") as file:  # resets the peak of resident memory
        file.write("5")
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 5))
    space = _memory("VmSize") + ADDRESS_SPACE
    resource.setrlimit(resource.RLIMIT_AS, (space, space))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**30, 2**30))


def _perform(action: Action) -> tuple[int, str]:
    """Return the exit status as the shell sees it, and the traceback of what was not caught."""
    if isinstance(action, Command):
        return _command(list(action.arguments))
    return _call(action)


def _command(arguments: list[str]) -> tuple[int, str]:
    from unsee.cli import main

    try:
        return main(arguments), ""
    except SystemExit as stopped:
        return stopped.code if isinstance(stopped.code, int) else int(bool(stopped.code)), ""
    except BaseException:
        return 1, traceback.format_exc()


def _call(action: Call) -> tuple[int, str]:
    from unsee import InputError

    try:
        action.function()
    except InputError as error:
        sys.stderr.write(f"unsee: {error}\n")
        return 2, ""
    except BaseException:
        return 1, traceback.format_exc()
    return 0, ""


def _memory(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    return 0


def command_line(action: Action) -> str:
    """Return the action for a report."""
    if isinstance(action, Call):
        return str(action)
    return str(action) if len(str(action)) < 300 else shlex.join(action.arguments)[:300]
