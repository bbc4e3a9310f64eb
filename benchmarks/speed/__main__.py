"""Compare the speed of unsee with that of other libraries on one machine.

    python benchmarks/speed --out benchmarks/results/speed.md
    python benchmarks/speed --only rise rise_published --rounds 1

Each job runs in its own process, all jobs in turn, in several rounds; medians are reported. The
other libraries run with the allocator settings of unsee and, in the first round, also with the
default settings. The report has times, passes and ratios.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
PAIRS = {
    "igos_pp published": "plain_igos_pp",
    "igos_pp balanced": "plain_igos_pp",
    "tide fast": "plain_igos_pp",
    "tide balanced": "plain_igos_pp",
    "fido": "plain_fido",
    "fido early stop": "plain_fido",
    "rise": "rise_published",
    "rise float32": "rise_published",
    "sliding_patch": "captum_occlusion",
    "sliding_patch float32": "captum_occlusion",
    "occlusion": "captum_occlusion",
    "integrated_gradients": "captum_integrated_gradients",
    "lime": "lime_package",
    "lime float32": "lime_package",
    "score_cam": "grad_cam_score_cam",
    "deletion + insertion": "quantus_pixel_flipping",
}
"""Jobs of unsee (ours.py), each with the job of another library (peers.py) to compare it with."""
SECOND_PEERS = {"lime": "captum_lime"}
"""A second library to compare a job with."""
SHORT_JOB = 5.0
"""Seconds below which a job is run twice, because its first call includes the set-up."""
VERSIONS = ("torch", "captum", "lime", "grad-cam", "quantus", "numpy")
Costs = dict[str, list[dict]]
"""Costs of all rounds by job and allocator: "rise kept", "captum_lime default"."""


def run_here(name: str, keep_freed_memory: bool) -> None:
    """Run one job in this process and print its cost as JSON."""
    if keep_freed_memory:
        from unsee.classifiers.allocator import keep_memory

        keep_memory()
    from ours import OURS
    from peers import PEERS

    work = (PEERS.get(name) or OURS[name])()
    for _ in range(2):
        start = time.perf_counter()
        cost = work()
        seconds = time.perf_counter() - start
        if seconds > SHORT_JOB:
            break
    print(json.dumps({"seconds": seconds, **cost}))


def run(name: str, keep_freed_memory: bool) -> dict:
    """Run one job in its own process and return its cost."""
    kept = ["--kept"] if keep_freed_memory else []
    command = [sys.executable, str(HERE), "--child", name, *kept]
    process = subprocess.run(command, capture_output=True, text=True, env=os.environ)
    if process.returncode:
        print(process.stderr, file=sys.stderr)
        return {"error": process.stderr.strip().splitlines()[-1]}
    return json.loads(process.stdout.splitlines()[-1])


def measure(names: list[str], rounds: int, log: Path) -> Costs:
    """Run all jobs in turn, in several rounds."""
    costs: Costs = {}
    with log.open("w", encoding="utf-8") as file:
        for number in range(rounds):
            for name in names:
                allocators = {"kept": True}
                if name not in PAIRS and not number:
                    allocators["default"] = False
                for allocator, kept in allocators.items():
                    cost = run(name, kept)
                    costs.setdefault(f"{name} {allocator}", []).append(cost)
                    line = {"round": number, "name": name, "memory": allocator, **cost}
                    print(json.dumps(line), file=file, flush=True)
                    print(line, flush=True)
    return costs


def median_seconds(costs: list[dict]) -> float:
    """Return the median of the rounds that did not fail."""
    return statistics.median([c["seconds"] for c in costs if "seconds" in c] or [float("nan")])


def rows(costs: Costs) -> list[str]:
    """Return the rows of the table."""
    lines = []
    pairs = [(o, p) for o, peer in PAIRS.items() for p in (peer, SECOND_PEERS.get(o)) if p]
    for name, peer in pairs:
        ours, kept = costs.get(f"{name} kept", []), costs.get(f"{peer} kept", [])
        default = costs.get(f"{peer} default", [])
        a, b, c = median_seconds(ours), median_seconds(kept), median_seconds(default)
        lines.append(
            f"| {name} | {passes(ours)} | {a:.2f} | {peer} | {passes(kept)} | {b:.1f} | "
            f"**{b / a:.1f}** | {equal_passes(ours, kept)} | {c:.1f} | {c / a:.1f} |"
        )
    return lines


def report(costs: Costs, rounds: int) -> str:
    """Return the report."""
    versions = ", ".join(f"{name} {version(name)}" for name in VERSIONS)
    processes = f"the median of {rounds} processes" if rounds > 1 else "one process"
    lines = [
        "# Comparison of speed with other libraries",
        "",
        f"`python benchmarks/speed --rounds {rounds}`, {date.today()}. {cpu()}, {os.cpu_count()} "
        f"cores; Python {platform.python_version()}, {versions}. EfficientNet-Lite0 at 224 x 224 "
        f"pixels, one photo, {processes} each.",
        "",
        "unsee runs as from the command line: `rise`, `sliding_patch`, `occlusion` and `lime` use "
        "bfloat16 where the CPU has instructions for it; all other methods use float32.",
        "",
        "The other libraries run the model as its package loads it, once with the allocator "
        "settings of unsee (glibc keeps freed memory: `MALLOC_MMAP_MAX_=0`, a higher trim "
        "threshold) and once with the default settings. Passes are forward passes and, of these, "
        "passes with gradient. A ratio is the other library's time over that of unsee; \"at equal "
        'passes" scales it to the passes of unsee.',
        "",
        "| unsee | passes | seconds | other | passes | seconds | ratio | at equal passes | "
        "seconds, default allocator | ratio |",
        "|" + "---|" * 10,
        *rows(costs),
    ]
    curves = costs.get("deletion + insertion kept", [])
    if curves and "network_seconds" in curves[0]:
        ratio = statistics.median([cost["seconds"] / cost["network_seconds"] for cost in curves])
        lines += [
            "",
            f"Deletion and insertion take {ratio:.3f} times as long as their forward passes alone.",
        ]
    lines += [
        "",
        "The two loops `plain_igos_pp` and `plain_fido` run a fifth of their steps; their times "
        "are multiplied by five.",
    ]
    return "\n".join(lines) + "\n"


def passes(costs: list[dict]) -> str:
    """Format the numbers of forward and backward passes."""
    if not costs or "forwards" not in costs[0]:
        return "-"
    return f"{costs[0]['forwards']}, {costs[0].get('backwards', 0)}"


def equal_passes(ours: list[dict], peer: list[dict]) -> str:
    """Return the ratio of times if the other library used as many passes as unsee."""
    if not ours or not peer or "forwards" not in ours[0] or "error" in peer[0]:
        return "-"
    forwards, backwards = ours[0]["forwards"], ours[0].get("backwards", 0)
    if "each" in peer[0]:
        both, forward = (
            statistics.median([p["each"][kind] for p in peer]) for kind in ("both", "forward")
        )
        seconds = backwards * both + (forwards - backwards) * forward
    else:
        seconds = median_seconds(peer) * forwards / peer[0]["forwards"]
    return f"{seconds / median_seconds(ours):.1f}"


def cpu() -> str:
    """Return the name of the processor."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        return next(x.split(":")[1].strip() for x in text.splitlines() if "model name" in x)
    except (OSError, StopIteration):
        return platform.processor() or "unknown processor"


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--kept", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", help="names of jobs; default: all")
    parser.add_argument("--out", type=Path, default=HERE.parent / "results" / "speed.md")
    options = parser.parse_args()
    if options.child:
        run_here(options.child, options.kept)
        return
    peers = dict.fromkeys([*PAIRS.values(), *SECOND_PEERS.values()])
    names = options.only or [*PAIRS, *peers]
    costs = measure(names, options.rounds, options.out.with_suffix(".jsonl"))
    text = report(costs, options.rounds)
    options.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
