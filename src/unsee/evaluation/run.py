"""A run of an evaluation: compute the units that are missing, here or on a cluster."""

import logging
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import torch

from unsee.classifiers import loading
from unsee.classifiers.classes import classes_of
from unsee.datasets._classes import class_numbers, note_of, with_numbers
from unsee.datasets.base import Sample, Samples
from unsee.errors import InputError, as_input_error, unknown
from unsee.evaluation import beginning, contents, loaded, photos, worker
from unsee.evaluation.archive import unit_seconds
from unsee.evaluation.manifest import MAX_THREADS
from unsee.evaluation.paper_tables import Table
from unsee.evaluation.plan import Combination, Plan
from unsee.evaluation.recognition import Recognition, Trial, one_of_each_class
from unsee.evaluation.rows import read_rows
from unsee.evaluation.store import Store
from unsee.storage.files import exists

LOG = logging.getLogger(__name__)
PRECISIONS = ("float32", "bfloat16", "float16")


class Unit(NamedTuple):
    """A combination on a shard of the photos: the smallest piece of work that is stored."""

    number: int
    """Number of the combination in the plan."""
    combination: Combination
    shard: int
    """Number of the shard."""
    samples: list[Sample]


@dataclass(frozen=True, eq=False)
class Run:
    """A plan with its photos and its folder."""

    plan: Plan
    store: Store
    samples: Samples
    chunk: int
    """Images per pass of the network, the same in every process and after every restart."""
    threads: int
    """Threads of each process; they determine the order of floating-point sums."""
    device: str | None = None
    """Device of the network, by default CUDA if available."""
    precision: str = "float32"
    """Precision of the network."""

    @classmethod
    def begin(
        cls, plan: Plan, out: Path, *, device: str | None = None, precision: str = "float32",
        chunk: int = 16, threads: int | None = None, table: Table | None = None,
        watch: Callable[[Iterable[Trial]], Iterable[Trial]] = iter,
    ) -> "Run":  # fmt: skip
        """Check all settings and write them to a folder, or continue the run of that folder.

        Args:
            plan: Plan of the evaluation.
            out: Folder of the run.
            device: Device of the network, by default CUDA if available.
            precision: Precision of the network.
            chunk: Images per pass of the network.
            threads: Threads of each process, by default those of torch on this machine.
            table: Published numbers and claims that a report compares the run with.
            watch: Function that shows the progress of an iterable, as `tqdm` does: of photos that
                are classified, if the plan takes only those that are answered rightly.

        Raises:
            InputError: Settings are invalid, there are no photos, or the folder has other
                settings, photos, annotations or versions, whose rows would not be comparable.
        """
        device = device or loading.default_device()
        _check_arguments(plan, out, device, precision, chunk, threads)
        plan.check()
        store = Store(Path(out))
        numerics = {
            "precision": precision, "chunk": chunk, "device": torch.device(device).type,
        }  # fmt: skip
        recognition = Recognition(plan, chunk, device, precision, threads)
        plan, samples = beginning.begin(
            plan, store, numerics, lambda part: watch(recognition(part)), threads=threads,
            table=table,
        )  # fmt: skip
        threads = store.info().threads
        return cls(plan, store, samples, chunk, threads, device, precision)

    def portable(self) -> dict[str, Any]:
        """Return the arguments of `restore`, which can be sent to another process."""
        return {
            "plan": self.plan,
            "out": self.store.folder.absolute(),
            "chunk": self.chunk,
            "threads": self.threads,
            "device": self.device,
            "precision": self.precision,
        }

    @classmethod
    def restore(cls, plan: Plan, out: Path, **settings: Any) -> "Run":
        """Return the same run in another process, from what `portable` returned."""
        store = Store(out)
        run = cls(plan, store, photos.of_run(plan, store), **settings)
        run.store.join()
        return run

    def units(self) -> Iterator[Unit]:
        """Yield all units in a fixed order.

        For each classifier, all combinations of a shard come before the next shard, so that an
        unfinished run compares them on the same photos.
        """
        shards = self.plan.shards(self.samples)
        combinations = list(enumerate(self.plan.combinations()))
        for classifier in dict.fromkeys(self.plan.classifiers):
            for shard, samples in enumerate(shards):
                for number, combination in combinations:
                    if combination.classifier == classifier:
                        yield Unit(number, combination, shard, samples)

    def missing(self) -> list[Unit]:
        """Return the units that are not finished."""
        return [unit for unit in self.units() if not self.store.has(unit.number, unit.shard)]

    @cached_property
    def _failed(self) -> dict[tuple[int, int], set[str]]:
        """Photos of finished units whose rows have an error; a command tries each once.

        Memory may have been short, or a disk, a photo or a model behind an API out of reach.
        """
        units = ((unit.number, unit.shard) for unit in self.units())
        failed = {unit: self.store.failed(*unit) for unit in units if self.store.has(*unit)}
        return {unit: photos for unit, photos in failed.items() if photos}

    def is_due(self, unit: Unit) -> bool:
        """Return whether a unit is not finished, or has rows with an error."""
        key = unit.number, unit.shard
        return key in self._failed or not self.store.has(*key)

    def due(self) -> list[Unit]:
        """Return the units that a command computes."""
        return list(filter(self.is_due, self.units()))

    def note_done(self, unit: Unit) -> None:
        """Note that another process has computed a unit."""
        self._failed.pop((unit.number, unit.shard), None)

    def compute(self, unit: Unit) -> None:
        """Compute a unit in this process and store it.

        Of a finished one, only the photos are computed whose rows have an error.
        """
        torch.set_num_threads(self.threads)
        spec = (
            self.plan.spec("sources", unit.combination.classifier), self.chunk, self.device,
            self.precision, self.plan.fit,
        )  # fmt: skip
        classifier = loaded.load_classifier(*spec)
        view, count = loaded.view_of(*spec), classes_of(classifier)
        loaded.check_metrics(self.plan, classifier)
        samples = unit.samples
        if self.plan.target == "label":
            numbers = class_numbers(
                self._one_of_each_class, classifier.labels, count, self.plan.data
            )
            samples = with_numbers(samples, numbers)
            self._note_order(unit.combination.classifier, classifier.labels)
        number = self.plan.classifiers.index(unit.combination.classifier)
        framing = self.store.write_view(number, view).framing
        if framing != classifier.framing:
            classifier = replace(classifier, framing=framing)
        for number, text in enumerate(self.plan.reference_classifiers, len(self.plan.classifiers)):
            name = self.plan.spec("sources", text)
            other = loaded.view_of(name, self.chunk, str(classifier.device), self.precision)
            self.store.write_view(number, other)
        failed = self._failed.pop((unit.number, unit.shard), None)
        samples = [sample for sample in samples if failed is None or sample.id in failed]
        computed = worker.evaluate(self.plan, unit.combination, samples, classifier)
        channels = contents.channels_of(self.store, self.plan.classifiers)
        contents.check_photos(self.store, self._others(unit, channels), computed.rows, channels)
        self._write(unit, computed)

    def _write(self, unit: Unit, computed: worker.Computed) -> None:
        """Store what was computed of a unit.

        A row that is stored, also by another process in the meantime, is replaced only if it has
        an error.
        """
        rows, maps, seconds = computed
        path = self.store.path(unit.number, unit.shard)
        if self.store.has(unit.number, unit.shard) and exists(path):
            new, stored = {row["photo"]: row for row in rows}, list(read_rows(path))
            rows = [new.get(row["photo"], row) if row["error"] else row for row in stored]
            if rows == stored:  # all photos failed again
                return
            kept = {row["photo"] for row in stored if not row["error"]}
            maps = {photo: values for photo, values in maps.items() if photo not in kept}
            maps = self.store.read_maps(unit.number, unit.shard) | maps
            seconds += unit_seconds(path)
        self.store.write(unit.number, unit.shard, rows, maps, seconds)

    @cached_property
    def _one_of_each_class(self) -> Samples:
        return one_of_each_class(self.samples)

    @cached_property
    def _noted(self) -> set[str]:
        """Classifiers of which this process has said that they have no names of classes."""
        return set()

    def _note_order(self, classifier: str, labels: Sequence[str]) -> None:
        note = note_of(self.samples, labels, classifier)
        if note and classifier not in self._noted and note not in self.samples.notes:
            LOG.warning("unsee: %s", note)
        self._noted.add(classifier)

    def _others(self, unit: Unit, channels: dict[str, int]) -> list[Path]:
        """Return the files of other combinations of a unit's shard, with as many channels."""
        own = channels.get(unit.combination.classifier)
        return [
            self.store.path(number, unit.shard)
            for number, combination in enumerate(self.plan.combinations())
            if channels.get(combination.classifier) == own and number != unit.number
        ]

    def local(self, part: tuple[int, int] = (1, 1)) -> Iterator[Unit]:
        """Compute the units that are due in this process; yield each when it is finished.

        `part` is (2, 8) for the second of eight processes that share the folder of a run. Each
        process computes every combination, on other shards, since combinations differ in cost.
        """
        number, count = _checked_part(part)
        for unit in self.units():
            included = (unit.number + unit.shard) % count == number - 1
            if included and self.is_due(unit):
                try:
                    self.compute(unit)
                except BaseException:
                    self.store.discard()
                    raise
                yield unit

    def finish(self) -> None:
        """Remove unfinished files if no unit is missing, so that no process is writing."""
        if not self.missing():
            self.store.clean()

    def summary(self) -> dict[str, Any]:
        """Return the numbers of units, of missing units and of photos."""
        total = sum(1 for _ in self.units())
        return {"units": total, "missing": len(self.missing()), "photos": len(self.samples)}


def _check_arguments(
    plan: Plan, out: str | Path, device: str, precision: str, chunk: int, threads: int | None
) -> None:
    """Raise `InputError` for arguments of `Run.begin` of another type or range."""
    if not isinstance(plan, Plan):
        raise InputError(f"expected a Plan, got {type(plan).__name__}")
    if not isinstance(out, str | Path):
        raise InputError(f"expected the path of a folder, got {type(out).__name__}")
    if precision not in PRECISIONS:
        raise unknown("precision", str(precision), PRECISIONS)
    for name, value in (("chunk", chunk), ("threads", threads or 1)):
        if type(value) is not int or not 1 <= value <= MAX_THREADS:
            raise InputError(f"expected {name} to be 1 to {MAX_THREADS:,}, got {value!r}")
    with as_input_error(f"expected a device such as cpu, cuda or mps, got {device!r}"):
        torch.device(device)


def _checked_part(part: tuple[int, int]) -> tuple[int, int]:
    """Return a part of a run, such as (2, 8); raise `InputError` for anything else."""
    with as_input_error("expected the number of a part and their count"):
        number, count = map(operator.index, part)
    if not 1 <= number <= count:
        raise InputError(f"expected a part such as (2, 8), got {part!r}")
    return number, count
