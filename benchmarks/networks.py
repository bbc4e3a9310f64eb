"""Small trainings of mask networks, side by side, and what their maps are worth.

    python benchmarks/networks.py train --out FOLDER --data PART1.zip PART2.zip
    python benchmarks/networks.py rate --out FOLDER --data ../shared/data/imagenet-val-sample.zip

`train` goes on where it stopped, with one training after another; `--only` takes some. `rate`
explains labelled photos with every network that is there, beside Grad-CAM and controls, and reports
localisation, F1, statistics of maps, and the claims of networks.toml with their intervals, in
FOLDER/rated. Seen and unseen classes are rated apart for the network that saw half of them.
"""

import argparse
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
OTHERS = ("grad_cam", "box", "random")
LOCALISED = "localisation:threshold=share,alpha=1.0,component=true"
METRICS = (LOCALISED, "f1", "total_variation", "entropy", "volume", "insertion", "deletion")


def unsee(*arguments: str, bad: int = 0) -> None:
    """The command line; `bad` is the status that a bad photo leaves."""
    done = subprocess.run([sys.executable, "-m", "unsee", *arguments], check=False)
    if done.returncode not in {0, bad}:
        raise SystemExit(done.returncode)


def weights(out: Path, name: str, settings: dict[str, Any]) -> Path:
    """Where a training leaves them."""
    return out / name / f"{settings['kind']}.safetensors"


def train(chosen: argparse.Namespace, plan: dict[str, Any]) -> None:
    """All that is not over."""
    for name, settings in plan["trainings"].items():
        if chosen.only and name not in chosen.only:
            continue
        asked = {**plan["common"], **settings}
        last = chosen.out / name / f"step-{asked['steps']:06d}.png"
        if last.exists():
            continue
        kind = asked.pop("kind")
        flags = [
            part
            for key, value in asked.items()
            for part in (
                [f"--{'' if value else 'no-'}{key}"]
                if isinstance(value, bool)
                else [f"--{key.replace('_', '-')}", str(value)]
            )
        ]
        photos = ("--data", *map(str, chosen.data))
        unsee("train", kind, *photos, "--out", str(chosen.out / name), *flags)


def rate(chosen: argparse.Namespace, plan: dict[str, Any]) -> None:
    """One run over all photos, and one for each half of the classes."""
    there = {
        name: f"{settings['kind']}:weights={weights(chosen.out, name, settings)}"
        for name, settings in plan["trainings"].items()
        if weights(chosen.out, name, settings).exists()
    }
    claims = [
        {
            "better": there.get(claim["better"], claim["better"]),
            "worse": there.get(claim["worse"], claim["worse"]),
            "metrics": [LOCALISED, "f1"],
            "source": claim["source"],
        }
        for claim in plan["claims"]
    ]
    rated = chosen.out / "rated" / "-".join(there)
    rated.mkdir(parents=True, exist_ok=True)
    table = rated / "plan.toml"
    table.write_text(as_toml([*there.values(), *OTHERS], claims), encoding="utf-8")
    for run, classes in (("all", ""), ("seen", "0-499"), ("unseen", "500-999")):
        limited = ("--classes", classes) if classes else ()
        unsee(
            "evaluate", "--plan", str(table), "--data", str(chosen.data[0]), *limited,
            "--out", str(rated / run), bad=1,
        )  # fmt: skip
        unsee("report", str(rated / run), "--out", str(rated / f"{run}-report"), "--overwrite")


def as_toml(methods: list[str], claims: list[dict[str, Any]]) -> str:
    """A plan for `unsee evaluate`."""
    lines = ['summary = "Mask networks"', 'target = "label"', f"methods = {quoted(methods)}"]
    lines.append(f"metrics = {quoted(list(METRICS))}")
    for claim in claims:
        lines.append("[[claims]]")
        for key, value in claim.items():
            lines.append(f"{key} = {quoted(value)}")
    return "\n".join(lines) + "\n"


def quoted(value: str | list[str]) -> str:
    """As TOML."""
    if isinstance(value, list):
        return "[" + ", ".join(map(quoted, value)) + "]"
    return f'"{value}"'


def main() -> None:
    """Train or rate."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("what", choices=("train", "rate"))
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--data", type=Path, nargs="+", required=True)
    arguments.add_argument("--only", nargs="*")
    chosen = arguments.parse_args()
    plan = tomllib.loads((HERE / "networks.toml").read_text(encoding="utf-8"))
    {"train": train, "rate": rate}[chosen.what](chosen, plan)


if __name__ == "__main__":
    main()
