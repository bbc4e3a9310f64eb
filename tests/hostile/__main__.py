"""Run the corpus: `python -m tests.hostile [--sample N] [--report FILE] [PATTERN ...]`."""

import argparse
import contextlib
import io
import os
import random
import sys
import tempfile
import time
from collections import Counter
from fnmatch import fnmatch
from importlib import import_module
from pathlib import Path

from tests.hostile import runner
from tests.hostile.cases import CASES, Arena, explain

FAMILIES = (
    "photos", "photo_names", "photo_files", "archives", "annotations", "label_files", "models",
    "black_boxes", "hub_folders", "weights", "tables", "runs", "run_files", "results", "options",
    "arrays",
)  # fmt: skip
"""Modules of cases."""
MODULES = (
    "accelerate",
    "matplotlib.backends.backend_agg", "matplotlib.figure", "onnxruntime", "pyarrow.parquet",
    "pycocotools.mask", "safetensors.torch", "scipy.ndimage", "skimage.draw", "torch.export",
    "unsee.cli.bench", "unsee.cli.compare", "unsee.cli.evaluate", "unsee.cli.evaluate_infill",
    "unsee.cli.explain", "unsee.cli.list", "unsee.cli.report", "unsee.cli.sanity",
    "unsee.cli.sanity_labels", "unsee.cli.sweep", "unsee.cli.train",
)  # fmt: skip
"""What commands import on demand."""


def load(families):
    """Return the cases of some modules by their id."""
    for name in families:
        import_module(f"tests.hostile.{name}")
    return {i: c for i, c in CASES.items() if c.family in families}


def chosen(cases, patterns, sample):
    """Return the cases that match, or a sample of all families in equal parts."""
    if patterns:
        cases = {i: c for i, c in cases.items() if any(fnmatch(i, f"*{p}*") for p in patterns)}
    if not sample:
        return list(cases.values())
    generator = random.Random(0)
    families = {}
    for case in cases.values():
        families.setdefault(case.family, []).append(case)
    for members in families.values():
        generator.shuffle(members)
    turns = [m for turn in zip(*map(_endless, families.values()), strict=False) for m in turn if m]
    return turns[:sample]


def _endless(members):
    return members + [None] * 1000


def warm_up():
    """Import what commands import on demand, once for all forked processes, and use it."""
    import torch

    torch.set_num_threads(1)
    for name in MODULES:
        import_module(name)
    from unsee.cli import main

    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        arena = Arena(Path(folder) / "arena", "warm up")
        os.chdir(arena.work)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            assert main(list(explain(arena.photo()).arguments)) == 0
        os.chdir(before)


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    parser.add_argument("patterns", nargs="*")
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--report", type=Path)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--breaches", action="store_true", help="run cases that break the law")
    options = parser.parse_args()
    if options.breaches:
        runner.CPU_SECONDS, runner.WALL_SECONDS, runner.MAX_GROWTH = 1, 10, 2**26
    cases = load(("breaches",) if options.breaches else FAMILIES)
    selected = chosen(cases, options.patterns, options.sample)
    if options.list:
        print("\n".join(f"{case.id}: {case.expected}" for case in selected))
        return 0
    return run(selected, options.report, options.verbose)


def run(selected, report, verbose=False):
    """Run the cases, print the counts by family and every violation; return the status."""
    from tests.hostile.law import examine

    warm_up()
    started = time.monotonic()
    counts, violations = Counter(), []
    for case in selected:
        counts[case.family] += 1
        if verbose:
            print(f"CASE {case.id}", flush=True)
        began = time.monotonic()
        for action, problem in examine(case):
            violations.append((case, action, problem))
            print(f"VIOLATION {case.id}\n    {action}\n    {problem}", flush=True)
        if verbose:
            print(f"    {time.monotonic() - began:.1f} s", flush=True)
    for family, count in counts.items():
        bad = len({case.id for case, *_ in violations if case.family == family})
        print(f"{family:<14} {count:>4} cases, {bad:>3} with violations")
    bad = len({case.id for case, *_ in violations})
    seconds = time.monotonic() - started
    print(f"{'all':<14} {counts.total():>4} cases, {bad:>3} with violations; {seconds:.0f} s")
    if report:
        report.write_text("".join(f"{c.id}\t{a}\t{p}\n" for c, a, p in violations))
    return 1 if violations or not selected else 0


if __name__ == "__main__":
    sys.exit(main())
