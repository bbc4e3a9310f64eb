"""The law for every hostile input, and the check of what a command or a call did with it."""

import hashlib
import os
import re
import shutil
import stat
import tempfile
from pathlib import Path

from tests.hostile import runner
from tests.hostile.cases import ACCEPTED, EITHER, REFUSED, REST, Action, Arena, Case
from tests.hostile.runner import Result

FRAME = re.compile(r'File "[^"]*/src/unsee/([^"]+)", line (\d+)')
"""A frame of a traceback in this package."""
MAX_LINE = 8192
"""Characters of the longest line that a person can be shown."""
MAX_HASHED = 2**22
"""Bytes of the largest file whose content is compared, not only its size and time."""
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
"""Characters that must not reach a terminal: controls, lone surrogates, changes of direction."""
LIBRARIES = "temporary/torchinductor_"
"""A cache that torch makes when a part of it is imported."""
LEFT = re.compile(r"\.(unfinished|replaced)\b")
"""Names of what a command that ends leaves behind by mistake."""
NOTE = "unsee: no photo could be explained"
"""What may follow the errors of single photos."""
NO_EVIDENCE = ": no evidence found for "
"""Part of a note on a photo that was explained; the toy depends on little of one."""
Violations = list[tuple[str, str]]
"""Actions, and what was wrong."""


def examine(case: Case) -> Violations:
    """Build a case, run its actions, and return every breach of the law."""
    root = Path(tempfile.mkdtemp(prefix="unsee-hostile-"))
    try:
        found: Violations = []
        number, count = 0, 1
        while number < count:  # each action has an arena of its own
            arena = Arena(root / f"arena{number}", case.id)
            try:
                built = case.build(arena)
            except Exception as error:
                return [*found, ("the builder", f"fails: {error!r}")]
            actions = built if isinstance(built, list) else [built]
            found += _examine(case, actions[number], arena)
            number, count = number + 1, len(actions)
        return found
    finally:
        _remove(root)


def _examine(case: Case, action: Action, arena: Arena) -> Violations:
    before = snapshot(arena.root)
    result = runner.run(case, action, arena)
    result.changes = changes(before, snapshot(arena.root), action.writes)
    expected = action.expected or case.expected
    problems = [*_limits(result), *_words(result), *_status(result, expected, action)]
    problems += result.changes
    if arena.canary.exists():
        problems.append("CODE WAS RUN")
    wants_check = action.check and expected in {ACCEPTED, REST} and result.status >= 0
    if wants_check and (problem := action.check(arena)):
        problems.append(problem)
    return [(runner.command_line(action), problem) for problem in problems]


def _limits(result: Result) -> list[str]:
    problems = []
    if result.timed_out:
        problems.append(f"hangs: stopped after {runner.WALL_SECONDS} s")
    elif result.status == -24 or result.seconds > runner.CPU_SECONDS:
        problems.append(f"takes more than {runner.CPU_SECONDS} s of processor time")
    elif result.status < 0:
        problems.append(f"killed by signal {-result.status}")
    if result.growth > runner.MAX_GROWTH:
        problems.append(f"takes {result.growth / 2**30:.1f} GiB more than the idle process")
    return problems


def _words(result: Result) -> list[str]:
    """Check what was printed, whatever the outcome."""
    problems = []
    text = result.stderr + result.error
    if result.error:
        places = FRAME.findall(result.error)
        last = result.error.strip().splitlines()[-1][:200]
        problems.append(f"traceback: {last}, from {':'.join(places[-1]) if places else '?'}")
    elif "Traceback (most recent" in text:
        problems.append(f"traceback printed: {text.strip().splitlines()[-1][:300]}")
    if "unexpected error" in text.lower():
        problems.append(f"an unexpected error: {result.stderr[:200]!r}")
    controls = map(CONTROL.search, (result.stdout, result.stderr))
    problems += [f"prints the control character {c.group()!r}" for c in controls if c]
    longest = max(map(len, result.stderr.splitlines()), default=0)
    if longest > MAX_LINE:
        problems.append(f"a line of {longest} characters: {result.stderr[:80]!r}")
    foreign = [line for line in _lines(result) if not line.startswith("unsee: ")]
    if foreign and "Traceback" not in text:
        problems.append(f"a line that is not unsee's: {foreign[0][:200]!r}")
    return problems


def _status(result: Result, expected: str, action: Action) -> list[str]:
    if result.error or result.status < 0:
        return []
    lines = _lines(result)
    said = result.stderr.strip()[:300]
    outcome = {0: ACCEPTED, 1: REFUSED, 2: REFUSED}.get(result.status, f"status {result.status}")
    if expected == REST:
        if result.status != 1 or not lines:
            return [f"expected status 1 and an error, got status {result.status}: {said!r}"]
        return []
    if outcome != expected and not (expected == EITHER and outcome in {ACCEPTED, REFUSED}):
        return [f"expected {expected}, got {outcome}: {said!r}"]
    if outcome == REFUSED and len(lines) != 1:
        return [f"expected one line, got {len(lines)}: {said!r}"]
    if outcome == REFUSED and action.says and action.says not in result.stderr:
        return [f"the error lacks {action.says!r}: {said!r}"]
    return []


def _lines(result: Result) -> list[str]:
    """Return the lines of the error stream; a progress bar that has ended leaves an empty one."""
    lines = [line for line in result.stderr.splitlines() if line and line != NOTE]
    return [line for line in lines if NO_EVIDENCE not in line]


def snapshot(root: Path) -> dict[str, str]:
    """Return a signature of everything below a folder but the cache."""
    found = {}
    for folder, folders, files in os.walk(root):
        if Path(folder) == root:
            folders[:] = [name for name in folders if name != "cache"]
        for name in (*folders, *files):
            path = os.path.join(folder, name)  # noqa: PTH118  names need not be text
            found[os.path.relpath(path, root)] = _signature(path)
    return found


def _signature(path: str) -> str:
    status = os.lstat(path)
    if stat.S_ISLNK(status.st_mode):
        return f"link to {os.readlink(path)!r}"  # noqa: PTH115
    if not stat.S_ISREG(status.st_mode):
        return f"{stat.S_IFMT(status.st_mode)}"
    if status.st_size > MAX_HASHED:
        return f"{status.st_size} bytes of {status.st_mtime_ns}"
    with open(path, "rb") as file:  # noqa: PTH123
        return hashlib.sha256(file.read()).hexdigest()


def changes(before: dict[str, str], after: dict[str, str], writes: tuple[str, ...]) -> list[str]:
    """Return what an action removed, changed, or wrote outside of where it may write."""
    lost = [name for name in before if name not in after]
    changed = [name for name in before if name in after and after[name] != before[name]]
    inside = tuple(folder + os.sep for folder in writes)
    outside = [
        name
        for name in sorted(after.keys() - before.keys())
        if not (name in writes or name.startswith((*inside, LIBRARIES))) or LEFT.search(name)
    ]
    kinds = {
        "LOST": lost,
        "CHANGED": changed,
        "wrote outside of the output folder, or left": outside,
    }
    return [f"{kind} {', '.join(map(repr, names[:3]))}" for kind, names in kinds.items() if names]


def _remove(root: Path) -> None:
    """Remove an arena; its links are not followed."""
    shutil.rmtree(root, ignore_errors=True)
