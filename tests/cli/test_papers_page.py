"""Every command of docs/papers.md that toy data allows, run at a tiny size."""

import json
import re
import shlex
from dataclasses import replace
from importlib.resources import files
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from tests.conftest import toy
from tests.evaluation.runs import ROOT
from unsee import recipes
from unsee.cli import main
from unsee.evaluation import paper_tables
from unsee.evaluation.store import Store
from unsee.reports.claims import claim_results, published
from unsee.reports.results import Results

SIDE = 24
"""Side of the photos in pixels."""
TINY = {"steps": 2, "samples": 20, "path": 2, "segments": 9, "stride": 9}
"""Settings of recipes that make them fast."""
OF_METHOD = {"mp2": {"cells": 20, "binary": False}, "igos_pp": {"rate": 2.0}}
"""Further settings of methods: more cells at a time, and maps that are not constant."""
SMALLER = {
    "samples=500": "samples=20", "segments=50,150": "segments=4,9",
    "patch=5,17,29,41,53": "patch=5,9,13", "grid=28,56,112": "grid=8,12",
    "casm:weights=PATH": "casm:weights=random", "alpha=0:0.95:0.05": "alpha=0:0.8:0.4",
    "drop=0.1:0.9:0.1": "drop=0.1:0.9:0.4",
}  # fmt: skip
"""Settings of the commands and the plans, and those that take their place."""
SMALLER_PLANS = {
    "values=[5,17,29,41,53]": "values=[5,9,13]", "values=[28,56,112]": "values=[8,12]",
    "samples=500": "samples=20", "segments=50": "segments=4", "segments=150": "segments=9",
    "seeds=5": "seeds=2",
}  # fmt: skip
"""Settings of the plans with stages, and those that take their place."""
LEFT_OUT = ("grad_cam", "integrated_gradients")
"""Methods that need further packages."""
EXPECTED = {
    "igos-1": (6, 4), "igos-7": (6, 3), "igos-2": (6, 4), "igos-2-14": (6, 4),
    "igos-3": (12, 7), "igos-5": (6, 4), "igos-objective": (8, 4),
    "g-methods": (23, 14), "g-places": (16, 9), "g-outside": (2, 1),
    "fido-5": (0, 4), "fido-8": (0, 6),
    "casm-1": (3, 0), "casm-4": (0, 0),
}  # fmt: skip
"""Numbers of the paper that the report of each plan shows, and of claims that it tests."""
NEEDS_TRAINING = ("unsee train", "half/casm", "sanity-labels")
"""Words of commands that train a network first."""


class Bright(nn.Module):
    """Class 1 is bright in the upper left corner; its feature maps show where it is bright."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 4, 4)
        self.head = nn.Conv2d(4, 4, 1)
        nn.init.constant_(self.stem.weight, 1 / 48)
        nn.init.zeros_(self.stem.bias)
        nn.init.eye_(self.head.weight[:, :, 0, 0])
        nn.init.zeros_(self.head.bias)

    def forward(self, x):
        features = self.head(self.stem(x))
        h, w = features.shape[-2:]
        bright = features[:, 0, : h // 6, : w // 6].mean((1, 2))
        return torch.stack([torch.zeros_like(bright), 10 * bright], 1)


def small():
    return toy(Bright(), size=SIDE)


def other():
    return toy(Bright(), size=SIDE + 4)


def commands() -> list[str]:
    """Return the commands of the page, with the other plans that a row names."""
    text = (ROOT / "docs" / "papers.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("|")]
    quoted = [command for row in rows for command in re.findall(r"`(unsee [^`]*)`", row)]
    (first,) = (command for command in quoted if "--plan igos_pp-1 " in command)
    quoted.append(first.replace("igos_pp-1 ", "igos_pp-1-7 ").replace("igos-1", "igos-7"))
    quoted.append(first.replace("igos_pp-1 ", "igos_pp-2-14 ").replace("igos-1", "igos-2-14"))
    return [c for c in quoted if not any(words in c for words in NEEDS_TRAINING)]


STAGED = [command for command in commands() if "--plan g-methods-s" in command]
EVALUATIONS = [
    command
    for command in commands()
    if command.startswith("unsee evaluate ") and command not in STAGED
]
OTHERS = [command for command in commands() if not command.startswith("unsee evaluate ")]


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    """A labelled photo with a box, bright in the upper left quarter."""
    folder = tmp_path_factory.mktemp("photos")
    noise = np.random.default_rng(0).integers(0, 130, (8, 8, 3), np.uint8)
    noise[:4, :4] += 125
    Image.fromarray(noise).resize((SIDE, SIDE)).save(folder / "0.png")
    entry = {"file": "0.png", "index": 1, "boxes": [[0, 0, SIDE // 2, SIDE // 2]]}
    (folder / "annotations.json").write_text(json.dumps([entry]))
    return folder


@pytest.fixture(autouse=True)
def tiny_recipes(monkeypatch, tmp_path) -> None:
    """Let recipes take few steps, and the commands draw nothing and write to an empty folder."""

    def tiny(name: str) -> recipes.Recipe:
        made = recipes.recipe(name)
        fast = {key: value for key, value in TINY.items() if key in made.method}
        fast |= OF_METHOD.get(made.method["name"], {})
        return replace(made, method=made.method | fast)

    monkeypatch.setattr("unsee.registry.recipe", tiny)
    for module in ("results.comparison", "cli.evaluate_infill", "cli.sanity"):
        monkeypatch.setattr(f"unsee.{module}.save_figure", lambda *_: None)
    monkeypatch.chdir(tmp_path)


def words_of(command: str, photos: Path) -> list[str]:
    """Return the arguments of a command for the toy data and a toy classifier."""
    for text, smaller in SMALLER.items():
        command = command.replace(text, smaller)
    command = re.sub(r"\bDATA\b", f"--data {photos}", command)
    command = re.sub(r"(?<=--data )\w+:PATH", str(photos), command)
    command = command.replace("PHOTO", str(photos / "0.png"))
    command = re.sub(r" --perceptual \S+", "", command).replace("deepfill1:FOLDER", "grey")
    command = re.sub(r"(?<=-classifiers )torchvision:\S+ timm:\S+", f"{__name__}:other", command)
    removed = r" --(recognition-)?classifiers? (package.module:function|torchvision:vgg19)"
    command = re.sub(removed, "", command)
    words = [word for word in shlex.split(command)[1:] if word not in LEFT_OUT]
    return [*words, "--classifier", f"{__name__}:small"]


def plan_of(words: list[str]) -> list[str]:
    """Return the methods and the metrics of a plan, without those that take packages or long."""
    if "--plan" not in words:
        return []
    settings = paper_tables.load(words[words.index("--plan") + 1]).settings
    methods = [method for method in settings["methods"] if method not in LEFT_OUT]
    text = " ".join(settings["metrics"])
    for values, fewer in SMALLER.items():
        text = text.replace(values, fewer)
    chosen = [] if "--methods" in words else ["--methods", *methods]
    return [*chosen, "--metrics", *text.split()]


@pytest.mark.parametrize("command", EVALUATIONS, ids=lambda c: c.split()[-1])
def test_rows_differ_and_report_the_papers_numbers(command, photos) -> None:
    words = words_of(command, photos)
    name = words[words.index("--out") + 1]
    assert main([*words, *plan_of(words), "--save-maps"]) == 0
    store, results = Store(Path(name)), Results.read([Path(name)])
    numbers = [
        published(results, configuration, metric)
        for configuration in results.configurations
        for metric in results.metrics
    ]
    matched = sum(number is not None for number in numbers)
    assert (matched, len(claim_results(results))) == EXPECTED[name]
    maps = [store.read_maps(number, 0) for number in range(len(results.configurations))]
    for (first, second), (a, b) in zip(
        combinations(results.configurations, 2), combinations(maps, 2), strict=True
    ):
        assert any(not np.array_equal(a[photo], b[photo]) for photo in a), (first, second)


@pytest.mark.parametrize("command", STAGED, ids=lambda c: c.split()[-1])
def test_stages_report_the_papers_numbers_and_claims(command, photos, tmp_path) -> None:
    words = words_of(command, photos)
    at = words.index("--plan") + 1
    text = files(paper_tables.PACKAGE).joinpath(f"{words[at]}.toml").read_text("utf-8")
    for full, smaller in SMALLER_PLANS.items():
        assert full in text
        text = text.replace(full, smaller)
    words[at] = str(tmp_path / "plan.toml")
    Path(words[at]).write_text(text)
    out = Path(words[words.index("--out") + 1])
    assert main(words) == 0
    counts = {}
    for stage in sorted(path for path in out.iterdir() if path.is_dir()):
        results = Results.read([stage])
        numbers = [
            published(results, configuration, metric)
            for configuration in results.configurations
            for metric in results.metrics
        ]
        counts[stage.name] = (
            sum(number is not None for number in numbers),
            [len(claim.claim.metrics) for claim in claim_results(results)],
        )
    assert {name: count for name, (count, _) in counts.items()} == dict.fromkeys(counts, 6)
    assert len(counts) == 4
    assert all(claims for _, claims in counts.values())


@pytest.mark.parametrize("command", OTHERS, ids=lambda c: " ".join(c.split()[1:6]))
def test_other_commands_run(command, photos) -> None:
    words = words_of(command, photos)
    if "evaluate-infill" in words:
        words += ["--recognition-classifier", f"{__name__}:small"]
    elif "recipe:" not in command:
        words += ["--budget", "16"]
    assert main(words) == 0


def test_each_plan_of_a_paper_has_a_command() -> None:
    named = {word for c in (*EVALUATIONS, *STAGED) for word in re.findall(r"--plan (\S+)", c)}
    too_large = {"igos_pp-1-224"}  # masks of 224 x 224 cells
    assert named == {*paper_tables.tables()} - {"truth"} - too_large
    assert {command.split()[-1] for command in EVALUATIONS} == set(EXPECTED)
