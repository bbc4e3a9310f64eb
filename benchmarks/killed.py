"""Check that interrupted runs give the same rows as a run that is never interrupted.

    python benchmarks/killed.py --out FOLDER --data imagenet-val-sample.zip
    python benchmarks/killed.py --out FOLDER --runs killed --plan FILE.toml

One plan is run three times, with one thread per process: without interruption; with a process that
is sent SIGKILL at random moments and restarted; and by two Ray workers, of which one is sent
SIGKILL. Then all rows are compared. Existing runs are continued, so this script can be interrupted
as well.
"""

import argparse
import json
import math
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from unsee.evaluation.plan import Plan
from unsee.evaluation.store import Store

HERE = Path(__file__).parent
RUNS = ("undisturbed", "killed", "ray")
WORKER_NAME = "ray::_Worker"
"""Title of the processes of Ray's workers."""
MAX_DELAY = 5.0
"""Largest number of seconds between the end of a unit and the signal."""
POLL_INTERVAL = 0.05
"""Seconds between two checks of a run's progress."""


def start(options: argparse.Namespace, run: str) -> subprocess.Popen[bytes]:
    """Start `unsee evaluate`; the run "ray" has two workers."""
    ray = ("--engine", "ray", "--workers", "2", "--cpus", "0.5") if run == "ray" else ()
    command = [
        sys.executable, "-m", "unsee", "evaluate", "--plan", str(options.plan),
        "--data", str(options.data), "--out", str(options.out / run), "--threads", "1",
        *(("--limit", str(options.limit)) if options.limit else ()), *ray,
    ]  # fmt: skip
    log = (options.out / f"{run}.log").open("ab")
    return subprocess.Popen(command, stdout=log, stderr=log)


def finished_units(options: argparse.Namespace, run: str) -> int:
    """Return the number of finished units."""
    return len(list((options.out / run / "rows").glob("[0-9]*.parquet")))


def all_units(options: argparse.Namespace, run: str, process: subprocess.Popen[bytes]) -> int:
    """Return the number of units of a run, once its manifest exists."""
    while not (options.out / run / "run.json").exists():
        if process.poll() is not None:
            raise SystemExit(f"the run {run} did not start; see {options.out / run}.log")
        time.sleep(POLL_INTERVAL)
    manifest = Store(options.out / run).manifest()
    plan = Plan.of(manifest["settings"])
    return math.ceil(manifest["photos"] / plan.shard) * len(plan.combinations())


def interrupt(
    options: argparse.Namespace, run: str, kills: int, kill: Callable[[int], bool]
) -> int:
    """Run to the end, kill after randomly drawn units, and return how often it was killed."""
    process = start(options, run)
    generator, count = random.Random(f"{options.seed} {run}"), 0
    remaining = range(finished_units(options, run), all_units(options, run, process))
    for unit in sorted(generator.sample(remaining, min(kills, len(remaining)))):
        while process.poll() is None and finished_units(options, run) <= unit:
            time.sleep(POLL_INTERVAL)
        time.sleep(generator.uniform(0, MAX_DELAY))
        if process.poll() is not None:
            break
        count += kill(process.pid)
        if run == "killed":
            process.wait()
            process = start(options, run)
    if process.wait():
        print(f"{run} ended with status {process.returncode}; see {options.out / run}.log")
    return count


def kill_process(pid: int) -> bool:
    """Kill the process of the run."""
    os.kill(pid, signal.SIGKILL)
    return True


def kill_worker(pid: int) -> bool:
    """Kill one of the Ray workers that the process started."""
    for _ in range(600):
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                name = (folder / "cmdline").read_text()
                if WORKER_NAME in name and is_descendant(int(folder.name), pid):
                    os.kill(int(folder.name), signal.SIGKILL)
                    return True
            except OSError:
                continue
        time.sleep(0.1)
    return False


def is_descendant(pid: int, ancestor: int) -> bool:
    """Return whether a process descends from another one."""
    while pid > 1 and pid != ancestor:
        stat = Path(f"/proc/{pid}/stat").read_text()
        pid = int(stat.rpartition(")")[2].split()[1])
    return pid == ancestor


def count_differences(rows: list[dict[str, Any]], expected: list[dict[str, Any]]) -> int:
    """Return the number of rows that differ in any value, are missing, or are duplicates."""
    keys = ("photo", "classifier", "method", "infiller")
    by_key = {tuple(row.get(key) for key in keys): row for row in expected}
    count = abs(len(rows) - len(expected)) + len(expected) - len(by_key)
    for row in rows:
        other = by_key.get(tuple(row.get(key) for key in keys))
        count += other is None or repr(sorted(row.items())) != repr(sorted(other.items()))
    return count


def report(options: argparse.Namespace, kills: dict[str, int]) -> str:
    """Compare the rows of all runs and return the report."""
    store = Store(options.out / "undisturbed")
    manifest, expected = store.manifest(), store.read()
    settings = manifest["settings"]
    lines = [
        "# Interrupted runs",
        "",
        f"`python benchmarks/killed.py --plan {options.plan.name}`, {date.today()}: "
        f"{manifest['photos']} photos, at most {settings['budget']} passes per map, methods "
        f"{', '.join(settings['methods'])}, {len(expected)} rows, one thread per process.",
        "",
        "| run | SIGKILLs | rows | rows that differ from the undisturbed run |",
        "|---|---|---|---|",
    ]
    for run in options.runs:
        rows = Store(options.out / run).read()
        differences = count_differences(rows, expected)
        lines.append(f"| {run} | {kills.get(run, 0)} | {len(rows)} | {differences} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run all three runs or those of the command line, then compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--plan", type=Path, default=HERE / "killed.toml")
    parser.add_argument("--runs", nargs="*", default=list(RUNS), choices=RUNS)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--limit", type=int, help="photos; default: all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--table", type=Path, default=HERE / "results" / "killed.md")
    options = parser.parse_args()
    options.data = options.data or HERE.parents[1] / "shared/data/imagenet-val-sample.zip"
    options.out.mkdir(parents=True, exist_ok=True)
    counts = options.out / "kills.json"
    kills = json.loads(counts.read_text()) if counts.exists() else {}
    undisturbed = start(options, "undisturbed") if "undisturbed" in options.runs else None
    if "killed" in options.runs:
        count = interrupt(options, "killed", options.kills, kill_process)
        kills["killed"] = kills.get("killed", 0) + count
        counts.write_text(json.dumps(kills))
    if undisturbed:
        undisturbed.wait()
    if "ray" in options.runs:
        kills["ray"] = kills.get("ray", 0) + interrupt(options, "ray", 1, kill_worker)
        counts.write_text(json.dumps(kills))
    text = report(options, kills)
    options.table.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
