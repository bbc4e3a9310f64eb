"""A long run killed again and again, by itself and among Ray's workers: are the rows the same?

    python benchmarks/killed.py --out FOLDER --data ../shared/data/imagenet-val-sample.zip
    python benchmarks/killed.py --out FOLDER --ways killed --plan FILE.toml

Three runs of one plan, a thread for each process: one undisturbed; beside it one whose process gets
SIGKILL at random moments and is called again; then one by Ray's two workers, of which one gets it.
Then every row is compared, number by number. What exists is kept, so that this may be stopped too.
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
WAYS = ("undisturbed", "killed", "ray")
WORKER = "ray::_Worker"
LATEST = 5.0
"""Seconds between a file of rows and the kill, at most."""


def begun(chosen: argparse.Namespace, way: str) -> subprocess.Popen[bytes]:
    """One process of the command line; Ray's has workers."""
    ray = ("--engine", "ray", "--workers", "2", "--cpus", "0.5") if way == "ray" else ()
    command = [
        sys.executable, "-m", "unsee", "evaluate", "--plan", str(chosen.plan),
        "--data", str(chosen.data), "--out", str(chosen.out / way), "--threads", "1",
        *(("--limit", str(chosen.limit)) if chosen.limit else ()), *ray,
    ]  # fmt: skip
    log = (chosen.out / f"{way}.log").open("ab")
    return subprocess.Popen(command, stdout=log, stderr=log)


def files(chosen: argparse.Namespace, way: str) -> int:
    """Units that are done."""
    return len(list((chosen.out / way / "rows").glob("[0-9]*.parquet")))


def units(chosen: argparse.Namespace, way: str, process: subprocess.Popen[bytes]) -> int:
    """Units in all, once the manifest is there."""
    while not (chosen.out / way / "run.json").exists():
        if process.poll() is not None:
            raise SystemExit(f"{way} did not begin: see {chosen.out / way}.log")
        time.sleep(0.2)
    manifest = Store(chosen.out / way).manifest()
    plan = Plan.of(manifest["settings"])
    return math.ceil(manifest["photos"] / plan.shard) * len(plan.combinations())


def disturbed(chosen: argparse.Namespace, way: str, kills: int, kill: Callable[[int], bool]) -> int:
    """Run to the end with kills after so many units, drawn at random; how many there were."""
    process = begun(chosen, way)
    g, done = random.Random(f"{chosen.seed} {way}"), 0
    left = range(files(chosen, way), units(chosen, way, process))
    for moment in sorted(g.sample(left, min(kills, len(left)))):
        while process.poll() is None and files(chosen, way) <= moment:
            time.sleep(0.05)
        time.sleep(g.uniform(0, LATEST))
        if process.poll() is not None:
            break
        done += kill(process.pid)
        if way == "killed":
            process.wait()
            process = begun(chosen, way)
    if process.wait():
        print(f"{way} ended with status {process.returncode}: see {chosen.out / way}.log")
    return done


def kill_process(pid: int) -> bool:
    """The run itself."""
    os.kill(pid, signal.SIGKILL)
    return True


def kill_worker(pid: int) -> bool:
    """One of Ray's workers below that process."""
    for _ in range(600):
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if WORKER in (folder / "cmdline").read_text() and below(int(folder.name), pid):
                    os.kill(int(folder.name), signal.SIGKILL)
                    return True
            except OSError:
                continue
        time.sleep(0.1)
    return False


def below(pid: int, ancestor: int) -> bool:
    """Whether a process descends from another."""
    while pid > 1 and pid != ancestor:
        stat = Path(f"/proc/{pid}/stat").read_text()
        pid = int(stat.rpartition(")")[2].split()[1])
    return pid == ancestor


def differing(rows: list[dict[str, Any]], others: list[dict[str, Any]]) -> int:
    """Rows that are not the same in each number; those that one lacks count."""
    keys = ("photo", "classifier", "method", "infiller")
    there = {tuple(row.get(key) for key in keys): row for row in others}
    wrong = abs(len(rows) - len(others)) + len(others) - len(there)
    for row in rows:
        other = there.get(tuple(row.get(key) for key in keys))
        wrong += other is None or repr(sorted(row.items())) != repr(sorted(other.items()))
    return wrong


def report(chosen: argparse.Namespace, kills: dict[str, int]) -> str:
    """What was compared with what."""
    manifest = Store(chosen.out / "undisturbed").manifest()
    whole = Store(chosen.out / "undisturbed").read()
    settings = manifest["settings"]
    lines = [
        "# Runs that were killed",
        "",
        f"`python benchmarks/killed.py --plan {chosen.plan.name}`, {date.today()}: "
        f"{manifest['photos']} photos, at most {settings['budget']} passes a map, methods {', '.join(settings['methods'])}, "
        f"{len(whole)} rows, a thread for each process.",
        "",
        "| run | SIGKILLs | rows | rows that differ from the undisturbed run's |",
        "|---|---|---|---|",
    ]
    for way in chosen.ways:
        rows = Store(chosen.out / way).read()
        lines.append(f"| {way} | {kills.get(way, 0)} | {len(rows)} | {differing(rows, whole)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run all three or some, then compare."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--data", type=Path)
    arguments.add_argument("--plan", type=Path, default=HERE / "killed.toml")
    arguments.add_argument("--ways", nargs="*", default=list(WAYS), choices=WAYS)
    arguments.add_argument("--kills", type=int, default=10)
    arguments.add_argument("--limit", type=int, default=0)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--table", type=Path, default=HERE / "results" / "killed.md")
    chosen = arguments.parse_args()
    chosen.data = chosen.data or HERE.parents[1] / "shared/data/imagenet-val-sample.zip"
    chosen.out.mkdir(parents=True, exist_ok=True)
    counted = chosen.out / "kills.json"
    kills = json.loads(counted.read_text()) if counted.exists() else {}
    aside = begun(chosen, "undisturbed") if "undisturbed" in chosen.ways else None
    if "killed" in chosen.ways:
        done = disturbed(chosen, "killed", chosen.kills, kill_process)
        kills["killed"] = kills.get("killed", 0) + done
        counted.write_text(json.dumps(kills))
    if aside:
        aside.wait()
    if "ray" in chosen.ways:
        kills["ray"] = kills.get("ray", 0) + disturbed(chosen, "ray", 1, kill_worker)
        counted.write_text(json.dumps(kills))
    text = report(chosen, kills)
    chosen.table.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
