"""A run: units that are missing are done, in this process or on a cluster."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import torch

from unsee.classifiers import loading
from unsee.datasets.base import Sample
from unsee.errors import InputError
from unsee.evaluation import worker
from unsee.evaluation.paper_tables import Table
from unsee.evaluation.plan import Combination, Plan, digest
from unsee.evaluation.store import Store


class Unit(NamedTuple):
    """A combination on a shard of the photos."""

    number: int
    """Of the combination."""
    combination: Combination
    shard: int
    samples: list[Sample]


@dataclass(frozen=True, eq=False)
class Run:
    """A plan, its photos and its folder."""

    plan: Plan
    store: Store
    samples: list[Sample]
    chunk: int
    """Images in the network at a time, the same in every process and after every kill."""
    threads: int
    """Of each process; they decide in what order sums are taken."""
    device: str | None = None
    precision: str = "float32"

    @classmethod
    def begin(
        cls, plan: Plan, out: Path, *, device: str | None = None, precision: str = "float32",
        chunk: int = 16, threads: int = 0, table: Table | None = None,
    ) -> "Run":  # fmt: skip
        """Check everything, freeze the settings, and find what is there already.

        Raises `InputError` for bad settings, an empty data set and a folder with other settings,
        other photos or annotations, or of other versions, where rows would not be those of one run.
        """
        device = device or loading.default_device()
        plan.check()
        samples = plan.samples()
        if not samples:
            raise InputError(f"{plan.data}: no photos")
        store = Store(out)
        kind = torch.device(device).type
        settings = {**plan.settings(), "precision": precision, "chunk": chunk, "device": kind}
        known = [(one.id, one.target, one.boxes.tolist(), one.size) for one in samples]
        manifest = {
            "settings": settings,
            "photos": len(samples),
            "annotations": digest(known),
            "threads": threads or torch.get_num_threads(),
            "table": (table or Table()).plain(),
            "versions": {"unsee": version("unsee"), "torch": torch.__version__},
        }
        store.begin(manifest)
        threads = int(store.manifest()["threads"])
        return cls(plan, store, samples, chunk, threads, device, precision)

    def portable(self) -> dict[str, Any]:
        """What another process needs to go on with the same run."""
        return {
            "plan": self.plan,
            "out": self.store.folder.absolute(),
            "chunk": self.chunk,
            "threads": self.threads,
            "device": self.device,
            "precision": self.precision,
        }

    @classmethod
    def again(cls, portable: dict[str, Any]) -> "Run":
        """The same run in another process."""
        settings = dict(portable)
        plan, out = settings.pop("plan"), settings.pop("out")
        return cls(plan, Store(out), plan.samples(), **settings)

    def units(self) -> Iterator[Unit]:
        """All of them, in a fixed order: of each classifier every way on a shard, then the next.

        So a run that is not over yet compares all ways on the same photos.
        """
        shards = self.plan.shards(self.samples)
        combinations = list(enumerate(self.plan.combinations()))
        for classifier in dict.fromkeys(self.plan.classifiers):
            for shard, samples in enumerate(shards):
                for number, combination in combinations:
                    if combination.classifier == classifier:
                        yield Unit(number, combination, shard, samples)

    def missing(self) -> list[Unit]:
        """What is still to do."""
        return [unit for unit in self.units() if not self.store.has(unit.number, unit.shard)]

    def do(self, unit: Unit) -> None:
        """One unit, in this process."""
        torch.set_num_threads(self.threads)
        classifier = worker.classifier_of(
            unit.combination.classifier, self.chunk, self.device, self.precision, self.plan.fit
        )
        rows, maps, seconds = worker.rows_of(self.plan, unit.combination, unit.samples, classifier)
        self.store.write(unit.number, unit.shard, rows, maps, seconds)

    def local(self, part: tuple[int, int] = (1, 1)) -> Iterator[Unit]:
        """Do what is missing here, one after another; yields each when it is done.

        `part` is (2, 8) for the second of eight processes that share a run's folder: each does
        every way on other shards, since ways differ in what they cost.
        """
        number, count = part
        for unit in self.units():
            mine = (unit.number + unit.shard) % count == number - 1
            if mine and not self.store.has(unit.number, unit.shard):
                self.do(unit)
                yield unit

    def finish(self) -> None:
        """Tidy up after kills, when nothing is missing any more and nobody writes."""
        if not self.missing():
            self.store.clean()

    def summary(self) -> dict[str, Any]:
        """How far it is."""
        total = sum(1 for _ in self.units())
        return {"units": total, "missing": len(self.missing()), "photos": len(self.samples)}
