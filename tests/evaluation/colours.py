"""Classifiers that answer the brightest channel, and photos of one colour with labels."""

import json

import numpy as np
import torch
from PIL import Image
from torch import nn

from tests.conftest import toy
from tests.evaluation.runs import make_plan
from unsee.datasets.base import Sample, Samples
from unsee.evaluation import photos
from unsee.evaluation.plan import Plan

HERE = "tests.evaluation.colours"
COLOURS, HELD_BACK = f"{HERE}:colours", f"{HERE}:held_back"
LABELS, VALUES = f"{HERE}:labels", f"{HERE}:values"
CHEAP = {"methods": ("random",), "metrics": ("gini",), "shard": 2, "subset": "random"}


class Colours(nn.Module):
    """Answers the brightest channel; the logit of class 2 may be lowered."""

    def __init__(self, lower: float = 0.0) -> None:
        super().__init__()
        self.register_buffer("lower", torch.tensor([0.0, 0.0, lower]))

    def forward(self, x):
        return 10 * x.mean((2, 3)) - self.lower


def colours():
    return toy(Colours(), size=8)


def held_back():
    """Never answers class 2."""
    return toy(Colours(100.0), size=8)


def labels():
    """One label for each channel that is brighter than 0.4."""
    return toy(Colours(), size=8, outputs="sigmoid")


def values():
    return toy(Colours(), size=8, outputs="regression")


def write(folder, answers, targets, start=0):
    """Write photos of these classes with these labels; a class of None is a broken file."""
    folder.mkdir(exist_ok=True)
    path = folder / "annotations.json"
    entries = json.loads(path.read_text()) if path.exists() else []
    for number, (answer, target) in enumerate(zip(answers, targets, strict=True), start):
        name = f"{number:02}.png"
        if answer is None:
            (folder / name).write_bytes(b"broken")
        else:
            pixels = np.full((8, 8, 3), 30, np.uint8)
            pixels[..., answer] = 220
            Image.fromarray(pixels).save(folder / name)
        entries.append({"file": name} | ({} if target is None else {"index": target}))
    path.write_text(json.dumps(entries))
    return folder


def samples_of(targets) -> Samples:
    return Samples(Sample(f"{n}.png", lambda _: None, target) for n, target in enumerate(targets))


def plan_of(data, **settings) -> Plan:
    return make_plan(data, **{"classifiers": (COLOURS,), **CHEAP, **settings})


def ids(samples) -> list[str]:
    return [sample.id for sample in samples]


def selected(plan, samples) -> list[str]:
    return ids(photos.select(plan, samples, lambda _: ()).samples)


def refuse(*_arguments):
    raise AssertionError("classified again")


def as_of_an_earlier_version(folder) -> None:
    """Remove from the manifest what earlier versions did not write."""
    manifest = json.loads((folder / "run.json").read_text())
    for key in ("photo_ids", "choice"):
        del manifest[key]
    for key in ("subset", "correct"):
        del manifest["settings"][key]
    (folder / "run.json").write_text(json.dumps(manifest))
