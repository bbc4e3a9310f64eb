"""Ours beside peers, side by side on one machine: times, passes, ratios.

    python benchmarks/speed --out benchmarks/results/speed.md

Each is run in a process of its own, all of them in turn, several rounds; medians count. Peers run
with glibc's memory kept, as ours does; in the first round also as released.
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
"""Ours, and whom it is compared with."""
ALSO = {"lime": "captum_lime"}
SHORT = 5.0
"""Seconds."""
VERSIONS = ("torch", "captum", "lime", "grad-cam", "quantus", "numpy")


def child(name: str, kept: bool) -> None:
    """Run one and print what it cost."""
    if kept:
        from unsee.classifiers.allocator import keep_memory

        keep_memory()
    from ours import OURS
    from peers import PEERS

    work = (PEERS.get(name) or OURS[name])()
    for _ in range(2):  # short work is run twice: the first call also sets things up
        start = time.perf_counter()
        cost = work()
        seconds = time.perf_counter() - start
        if seconds > SHORT:
            break
    print(json.dumps({"seconds": seconds, **cost}))


def run(name: str, kept: bool) -> dict:
    """Cost of one in a process of its own."""
    command = [sys.executable, str(HERE), "--child", name, *(["--kept"] if kept else [])]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ)
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        return {"error": done.stderr.strip().splitlines()[-1]}
    return json.loads(done.stdout.splitlines()[-1])


def measured(names: list[str], rounds: int, log: Path) -> dict[str, list[dict]]:
    """All in turn, several rounds."""
    found: dict[str, list[dict]] = {}
    with log.open("w", encoding="utf-8") as file:
        for number in range(rounds):
            for name in names:
                ways = [("kept", True)]
                if name not in PAIRS and not number:
                    ways.append(("released", False))
                for way, kept in ways:
                    cost = run(name, kept)
                    found.setdefault(f"{name} {way}", []).append(cost)
                    line = {"round": number, "name": name, "memory": way, **cost}
                    print(json.dumps(line), file=file, flush=True)
                    print(line, flush=True)
    return found


def middle(costs: list[dict], key: str = "seconds") -> float:
    """The median of what came to an end."""
    return statistics.median([cost[key] for cost in costs if key in cost] or [float("nan")])


def report(found: dict[str, list[dict]], rounds: int) -> str:
    """The table."""
    versions = ", ".join(f"{name} {version(name)}" for name in VERSIONS)
    lines = [
        "# Speed",
        "",
        f"`python benchmarks/speed --rounds {rounds}`, {date.today()}. {cpu()}, {os.cpu_count()} "
        f"cores; Python {platform.python_version()}, {versions}. EfficientNet-Lite0 at 224 x 224, "
        f"one photo; {'the median of ' if rounds > 1 else ''}{rounds} process{'es' * (rounds > 1)} "
        "each.",
        "",
        "Ours as the command line runs it: `rise`, `sliding_patch`, `occlusion` and `lime` ask the "
        "network in bfloat16 where the CPU has instructions for it, all else is float32.",
        "",
        "Peers run the model as its package loads it, with glibc's memory kept as ours does "
        "(`MALLOC_MMAP_MAX_=0`, trim threshold up) and, once, as released. Passes: forwards, of "
        "which with gradient. Equal: the peer's time at our passes, where it is known, over ours.",
        "",
        "| ours | passes | seconds | peer | passes | seconds | ratio | at equal passes | as "
        "released | ratio |",
        "|" + "---|" * 10,
    ]
    pairs = [(o, p) for o, peer in PAIRS.items() for p in (peer, ALSO.get(o)) if p]
    for mine, peer in pairs:
        ours, kept = found.get(f"{mine} kept", []), found.get(f"{peer} kept", [])
        released = found.get(f"{peer} released", [])
        a, b, c = middle(ours), middle(kept), middle(released)
        lines.append(
            f"| {mine} | {passes(ours)} | {a:.2f} | {peer} | {passes(kept)} | {b:.1f} | "
            f"**{b / a:.1f}** | {equal(ours, kept)} | {c:.1f} | {c / a:.1f} |"
        )
    curves = found.get("deletion + insertion kept", [])
    if curves and "bare" in curves[0]:
        ratio = statistics.median([cost["seconds"] / cost["bare"] for cost in curves])
        lines += ["", f"Deletion + insertion over its bare forward passes: {ratio:.3f}."]
    lines += ["", "The two plain loops ran a fifth of their steps; their times are multiplied."]
    return "\n".join(lines) + "\n"


def passes(costs: list[dict]) -> str:
    """As text."""
    if not costs or "forwards" not in costs[0]:
        return "-"
    return f"{costs[0]['forwards']}, {costs[0].get('backwards', 0)}"


def equal(ours: list[dict], peer: list[dict]) -> str:
    """The ratio at our number of passes."""
    if not ours or not peer or "forwards" not in ours[0] or "error" in peer[0]:
        return "-"
    forwards, backwards = ours[0]["forwards"], ours[0].get("backwards", 0)
    if "each" in peer[0]:
        both, one = (statistics.median([p["each"][k] for p in peer]) for k in ("both", "forward"))
        theirs = backwards * both + (forwards - backwards) * one
    else:
        theirs = middle(peer) * forwards / peer[0]["forwards"]
    return f"{theirs / middle(ours):.1f}"


def cpu() -> str:
    """The processor's name."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        return next(x.split(":")[1].strip() for x in text.splitlines() if "model name" in x)
    except (OSError, StopIteration):
        return platform.processor() or "unknown processor"


def main() -> None:
    """Measure and write."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--child")
    arguments.add_argument("--kept", action="store_true")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--only", nargs="*", default=None)
    arguments.add_argument("--out", type=Path, default=HERE.parent / "results" / "speed.md")
    chosen = arguments.parse_args()
    if chosen.child:
        child(chosen.child, chosen.kept)
        return
    names = chosen.only or [*PAIRS, *dict.fromkeys([*PAIRS.values(), *ALSO.values()])]
    found = measured(names, chosen.rounds, chosen.out.with_suffix(".jsonl"))
    text = report(found, chosen.rounds)
    chosen.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
