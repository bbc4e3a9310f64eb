"""Run the shell commands of a page as a reader would: with toys, small settings and one photo."""

import json
import re
import shlex
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import numpy as np
from PIL import Image

from tests.docs.pages import blocks

TOY = "tests.docs.conftest:classifier"
BUDGET = 60
"""Passes of a map."""
ELSEWHERE = {
    "unsee studio": "studio",
    "unsee bench": "cli/test_bench.py",
    "unsee evaluate ...": "evaluation/test_evaluate.py",
    "--plan": "cli/test_papers_page.py",
    "unsee report ": "reports",
    "unsee train": "cli/test_train.py",
    "unsee completion": "cli/test_completion.py",
    "unsee counterfactual": "results/test_counterfactual.py",
    "audit marked": "audits",
    "weights=": "training/test_trained_weights.py",
    "warm_start=": "training/test_distilled.py",
    "casm-4": "cli/test_papers_page.py",
}
"""Words of commands that other tests run, and where."""
REPLACED = {
    r"--classifier planted:\S+": f"--classifier {TOY}",
    r"timm:\S+|mine:model|efficientnet_lite\d|blackbox:model\S+": TOY,
    r"(imagenet|voc|mosaics|attacked|planted):[\w./,=]+": "photos",
    r"--data (PHOTOS|src/\S+|imagenet/)": "--data photos",
    r"lama:big-lama.pt": "blur",
    r"--budget fast": f"--budget {BUDGET}",
    r"--limit \d+|--device cuda|--precision bfloat16|--correct|--subset stratified": "",
    r"--engine ray( --address \S+)?|--workers \d+|--gpus \S+": "",
    r"--part \$\S+ \+ 1\)\)/64": "--part 1/1",
    r"/shared/": "",
    r"samples=\d\d+": "samples=20",
    r"steps=100": "steps=2",
    r"grid=14,28,56": "grid=4,8",
    r"grid=28": "grid=8",
    r"--repeats 5": "--repeats 2",
    r"--pictures 12": "--pictures 1",
    r"\bgrad_cam\b": "gradient",
    r"\bguided_backprop\b": "smoothgrad",
    r"\bigos_pp\b": "fido",
    r"export distilled": f"export distilled:weights=random --classifier {TOY}",
    r"export variational": f"export variational:weights=random --classifier {TOY} #",
}  # fmt: skip
"""Texts of the commands, and what takes their place."""
TAKES_BUDGET = {"explain", "compare", "evaluate", "audit", "sanity", "sweep", "counterfactual"}
TAKES_LIMIT = {"evaluate", "evaluate-infill"}


def commands(page: Path) -> Iterator[str]:
    """Yield the `unsee` commands of a page that no other test runs."""
    for block in blocks(page, "bash"):
        for line in block.text.replace("\\\n", " ").splitlines():
            for part in line.split("&&"):
                command = part.strip()
                elsewhere = any(words in command for words in ELSEWHERE)
                if command.startswith("unsee ") and not elsewhere:
                    yield command


def words_of(command: str) -> list[str]:
    """Return the arguments of a command for the toys of `write_data`."""
    for written, other in REPLACED.items():
        command = re.sub(written, other, command)
    words = shlex.split(command, comments=True)[1:]
    words = list(takewhile(lambda word: word not in {"|", ">"}, words))
    if words[0] in TAKES_BUDGET:
        if "--classifier" not in words:
            words += ["--classifier", TOY]
        if "--budget" not in words:
            words += ["--budget", str(BUDGET)]
    if words[0] in TAKES_LIMIT:
        words += ["--limit", "1"]
    return words


def write_data(folder: Path) -> None:
    """Write two labelled photos with boxes, and a label map of a photo."""
    (folder / "photos").mkdir()
    g, entries = np.random.default_rng(1), []
    for name in ("1.png", "2.png"):
        Image.fromarray(g.integers(0, 255, (40, 50, 3), np.uint8)).save(folder / "photos" / name)
        entries.append({"file": name, "index": 1, "boxes": [[5, 5, 30, 30]]})
    (folder / "photos" / "annotations.json").write_text(json.dumps(entries))
    segments = np.arange(4, dtype=np.uint8).reshape(2, 2).repeat(20, 0).repeat(25, 1)
    Image.fromarray(segments).save(folder / "dog-segments.png")
