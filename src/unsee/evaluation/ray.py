"""A run on many processes or machines, by Ray; the only file that imports it."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from unsee.errors import InputError
from unsee.evaluation.run import Run, Unit

SETTING = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "8000000000"}
"""glibc keeps a network's memory, as `unsee.classifiers.allocator` sets it."""


RETRIES = 5
"""How often a unit whose worker died is tried again: one that always kills it ends the run."""


@dataclass(frozen=True)
class Cluster:
    """How a run is spread."""

    workers: int = 2
    """Processes, each with a classifier and an in-filler of its own."""
    cpus: float = 1.0
    """Cores that each worker is given."""
    gpus: float = 0.0
    """GPUs, or a share of one, that each worker is given."""
    address: str | None = None
    """Of a Ray cluster whose machines share the run's folder; by default this machine alone."""

    def __post_init__(self) -> None:
        if self.workers < 1 or self.cpus < 0 or self.gpus < 0:
            raise InputError(
                f"expected workers >= 1, cpus >= 0 and gpus >= 0, got {self.workers}, "
                f"{self.cpus} and {self.gpus}"
            )


def distribute(run: Run, cluster: Cluster) -> Iterator[Unit]:
    """Do what is missing on workers; yields each unit when it is done.

    A worker that dies is replaced and its unit done again; a unit's file is written whole or not at
    all, so that nothing is lost or doubled.
    """
    ray = _started(cluster)
    units = list(run.units())
    todo = deque(i for i, unit in enumerate(units) if not run.store.has(unit.number, unit.shard))
    actor = ray.remote(_Worker).options(
        max_restarts=-1, max_task_retries=RETRIES, num_cpus=cluster.cpus, num_gpus=cluster.gpus,
        runtime_env={"env_vars": {**SETTING, "OMP_NUM_THREADS": str(run.threads)}},
    )  # fmt: skip
    plain = run.portable()
    workers = [actor.remote(plain) for _ in range(min(cluster.workers, len(todo)))]
    busy = {worker.do.remote(todo.popleft()): worker for worker in workers if todo}
    try:
        while busy:
            (ready, *_), _ = ray.wait(list(busy), num_returns=1)
            worker = busy.pop(ready)
            yield units[_result(ray, ready)]
            if todo:
                busy[worker.do.remote(todo.popleft())] = worker
    finally:
        for worker in workers:
            ray.kill(worker)


class _Worker:
    """A run of its own on the same folder."""

    def __init__(self, portable: dict[str, Any]) -> None:
        self.run = Run.again(portable)
        self.units = list(self.run.units())

    def do(self, index: int) -> int:
        unit = self.units[index]
        if not self.run.store.has(unit.number, unit.shard):  # a retry after it was written
            self.run.do(unit)
        return index


def _started(cluster: Cluster) -> Any:
    try:
        import ray
    except ImportError as error:
        raise InputError("the engine ray needs Ray: python -m pip install ray") from error
    if not ray.is_initialized():
        own = {"include_dashboard": False} if cluster.address is None else {}
        try:
            ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR", **own)
        except (ConnectionError, ValueError) as error:
            raise InputError(f"no Ray cluster at {cluster.address}: {error}") from error
    return ray


def _result(ray: Any, reference: Any) -> int:
    try:
        done: int = ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, InputError):
            raise InputError(str(error.cause)) from error
        raise
    except ray.exceptions.RayActorError as error:
        # its last line says why: data that it does not see, no memory
        why = str(error).strip().splitlines()[-1].strip()
        raise InputError(
            f"a worker could not begin, or died {RETRIES + 1} times over one unit ({why}); what is "
            "written is kept"
        ) from error
    return done
