"""Calls of the Python API with arguments that cannot be used."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from unsee import Explanation, InputError
from unsee.evaluation import label_randomisation, paper_tables
from unsee.evaluation.label_randomisation import TrainConfig
from unsee.evaluation.plan import Plan
from unsee.evaluation.ray import Cluster
from unsee.evaluation.run import Run
from unsee.evaluation.store import Store
from unsee.recipes import recipe
from unsee.reports.results import Results
from unsee.storage.folders import new_folder

MAPS, IMAGES = torch.zeros(2, 4, 4), torch.zeros(2, 3, 4, 4)
TARGETS = torch.zeros(2, dtype=torch.long)
GOOD = Explanation(MAPS, TARGETS, IMAGES, {})


def saved(folder: Path, name: str, manifest: object = None, **arrays: object) -> str:
    """Write a result and damage it."""
    path = GOOD.save(folder / name)
    if manifest is not None:
        (path / "manifest.json").write_text(
            manifest if isinstance(manifest, str) else json.dumps(manifest)
        )
    if arrays:
        good = {"model": MAPS.numpy(), "targets": TARGETS.numpy(), "images": IMAGES.numpy()}
        changed = {**good, **arrays}
        kept = {key: value for key, value in changed.items() if value is not None}
        np.savez(path / "saliency.npz", **kept)
    return str(path)


def overwritten(folder: Path, name: str, content: bytes) -> str:
    """Write a result with other bytes as its arrays."""
    path = GOOD.save(folder / name)
    (path / "saliency.npz").write_bytes(content)
    return str(path)


def calls(folder: Path) -> dict:
    """Return the calls by name."""
    make, load, plan = Explanation, Explanation.load, Plan(data="d")
    blocked = folder / "file"
    blocked.write_text("")
    return {
        "saliency of text": lambda: make("maps", TARGETS, IMAGES, {}),
        "saliency of numpy": lambda: make(MAPS.numpy(), TARGETS, IMAGES, {}),
        "saliency without batch": lambda: make(MAPS[0], TARGETS, IMAGES, {}),
        "saliency of integers": lambda: make(MAPS.long(), TARGETS, IMAGES, {}),
        "saliency of another batch": lambda: make(MAPS[:1], TARGETS, IMAGES, {}),
        "saliency of another size": lambda: make(MAPS[:, :2], TARGETS, IMAGES, {}),
        "empty saliency": lambda: make(MAPS[:0], TARGETS[:0], IMAGES[:0], {}),
        "targets of floats": lambda: make(MAPS, MAPS[:, 0, 0], IMAGES, {}),
        "targets of a list": lambda: make(MAPS, [0, 0], IMAGES, {}),
        "targets of another batch": lambda: make(MAPS, TARGETS[:1], IMAGES, {}),
        "images without channels": lambda: make(MAPS, TARGETS, MAPS, {}),
        "images of None": lambda: make(MAPS, TARGETS, None, {}),
        "provenance of text": lambda: make(MAPS, TARGETS, IMAGES, "text"),
        "provenance with a method of text": lambda: make(MAPS, TARGETS, IMAGES, {"method": "a"}),
        "provenance with other targets": lambda: make(MAPS, TARGETS, IMAGES, {"target": [3]}),
        "deviation of another size": lambda: make(MAPS, TARGETS, IMAGES, {}, MAPS[:, :2]),
        "index of text": lambda: GOOD["a"],
        "index of a float": lambda: GOOD[0.5],
        "index of a slice": lambda: GOOD[0:1],
        "index out of range": lambda: GOOD[2],
        "save to None": lambda: GOOD.save(None),
        "save to a number": lambda: GOOD.save(3),
        "save below a file": lambda: GOOD.save(blocked / "a"),
        "save over a file": lambda: GOOD.save(blocked, overwrite=True),
        "save to a null character": lambda: GOOD.save("a\0b"),
        "save to a long name": lambda: GOOD.save(folder / ("a" * 300)),
        "save provenance of sets": lambda: make(MAPS, TARGETS, IMAGES, {"a": {1}}).save(
            folder / "sets"
        ),
        "load None": lambda: load(None),
        "load nothing": lambda: load(folder / "nothing"),
        "load a file": lambda: load(blocked),
        "load a null character": lambda: load("a\0b"),
        "load a manifest of a list": lambda: load(saved(folder, "1", [])),
        "load a manifest that is cut": lambda: load(saved(folder, "2", '{"method": ')),
        "load a deep manifest": lambda: load(saved(folder, "3", "[" * 100_000)),
        "load a manifest of other targets": lambda: load(saved(folder, "4", {"target": "cat"})),
        "load a manifest of another method": lambda: load(saved(folder, "5", {"method": 3})),
        "load without targets": lambda: load(saved(folder, "6", targets=None)),
        "load maps of text": lambda: load(saved(folder, "7", model=np.array(["a"]))),
        "load maps of objects": lambda: load(saved(folder, "8", model=np.array([{}]))),
        "load maps of another shape": lambda: load(saved(folder, "9", model=np.zeros(3))),
        "load maps of complex numbers": lambda: load(
            saved(folder, "10", model=MAPS.numpy().astype(complex))
        ),
        "load images of another batch": lambda: load(saved(folder, "11", images=IMAGES[:1])),
        "load big-endian maps": lambda: load(
            saved(folder, "12", model=MAPS.numpy().astype(">f4"))
        ),
        "load no archive": lambda: load(overwritten(folder, "13", b"text")),
        "load an empty archive": lambda: load(overwritten(folder, "14", b"")),
        "plan of a number": lambda: Plan(data=3),
        "plan with a batch of text": lambda: Plan(batch="4"),
        "plan with methods of text": lambda: Plan(methods="rise"),
        "plan with saved maps of text": lambda: Plan(save_maps="yes"),
        "run of no plan": lambda: Run.begin("plan", folder / "run"),
        "run in no folder": lambda: Run.begin(plan, None),
        "run on another device": lambda: Run.begin(plan, folder / "run", device="gpu"),
        "run with another precision": lambda: Run.begin(plan, folder / "run", precision="double"),
        "run with a chunk of text": lambda: Run.begin(plan, folder / "run", chunk="4"),
        "run with a chunk of 0": lambda: Run.begin(plan, folder / "run", chunk=0),
        "run with threads below 0": lambda: Run.begin(plan, folder / "run", threads=-1),
        "part beyond the count": lambda: next(
            Run(plan, Store(folder), [], 1, 1).local((3, 2))
        ),
        "part of text": lambda: next(Run(plan, Store(folder), [], 1, 1).local("ab")),
        "results of no runs": lambda: Results.read([]),
        "results of a path": lambda: Results.read(str(folder)),
        "results of numbers": lambda: Results.read([3]),
        "results of a folder that is no run": lambda: Results.read([folder]),
        "table of a number": lambda: paper_tables.load(3),
        "table of a missing file": lambda: paper_tables.load("missing.toml"),
        "table of a folder": lambda: paper_tables.load(str(folder)),
        "values of a paper as text": lambda: paper_tables.Table.of(
            {"paper": [{"method": "a", "metric": "b", "value": ".5"}]}
        ),
        "recipe of a number": lambda: recipe(3),
        "training of a size of text": lambda: TrainConfig(size="28"),
        "training without epochs": lambda: TrainConfig(epochs=0),
        "training of labels below 0": lambda: label_randomisation.train(
            IMAGES, torch.tensor([-1, 0]), TrainConfig(), shuffled=False
        ),
        "cluster of text": lambda: Cluster(workers="two"),
        "folder of the root": lambda: new_folder("/", overwrite=True).__enter__(),
    }  # fmt: skip


def outcomes(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and the outcome of each call."""
    for name, call in calls(folder).items():
        try:
            call()
            outcome = "accepted"
        except InputError as error:
            outcome = "InputError" if str(error) else "no message"
        except Exception as error:
            outcome = f"{type(error).__name__}: {error}"
        yield name, outcome
