"""Run an evaluation on many processes or machines with Ray; the only file that imports it."""

import os
import sysconfig
from collections import deque
from collections.abc import Iterator
from contextlib import chdir, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unsee.errors import InputError, as_message, missing_package
from unsee.evaluation.run import Run, Unit
from unsee.process.libraries import import_matplotlib
from unsee.process.threads import WAITING
from unsee.storage.locks import WAIT
from unsee.storage.records import check_types

ENVIRONMENT = {**WAITING, "MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "8000000000"}
"""Environment of a worker: threads wait asleep, and glibc keeps freed memory, as
`unsee.classifiers.allocator` sets it."""

MAX_RETRIES = 5
"""Attempts after a worker died on a unit; a unit that always kills its worker ends the run."""


@dataclass(frozen=True)
class Cluster:
    """Workers of a run and their resources."""

    workers: int = 2
    """Number of processes; each loads the classifier and the in-filler."""
    cpus: float = 1.0
    """CPU cores reserved for each worker."""
    gpus: float = 0.0
    """GPUs, or the share of one, reserved for each worker."""
    address: str | None = None
    """Address of a Ray cluster whose machines share the folder of the run; `None` takes that of
    the environment variable RAY_ADDRESS, or starts Ray on this machine."""

    def __post_init__(self) -> None:
        check_types(self)
        if self.workers < 1 or self.cpus < 0 or self.gpus < 0:
            raise InputError(
                f"expected workers >= 1, cpus >= 0 and gpus >= 0, got {self.workers}, "
                f"{self.cpus} and {self.gpus}"
            )


def distribute(run: Run, cluster: Cluster) -> Iterator[Unit]:
    """Compute the missing units on workers; yield each when it is finished.

    A worker that dies is replaced and its unit computed again. The file of a unit is written
    atomically, so that no row is lost or duplicated.

    Raises `InputError` if Ray is not installed, if no cluster answers, or if a worker cannot start.
    """
    ray = _connect(cluster)
    units = list(run.units())
    queue = deque(i for i, unit in enumerate(units) if run.is_due(unit))
    actor = ray.remote(_Worker).options(
        max_restarts=-1, max_task_retries=MAX_RETRIES, num_cpus=cluster.cpus,
        num_gpus=cluster.gpus,
        runtime_env={"env_vars": _environment(run.threads)},
    )  # fmt: skip
    arguments = Path.cwd(), run.portable()
    workers = [actor.remote(*arguments) for _ in range(min(cluster.workers, len(queue)))]
    busy = {worker.compute.remote(queue.popleft()): worker for worker in workers if queue}
    try:
        while busy:
            (ready, *_), _ = ray.wait(list(busy), num_returns=1)
            worker = busy.pop(ready)
            unit = units[_result(ray, ready)]
            run.note_done(unit)
            yield unit
            if queue:
                busy[worker.compute.remote(queue.popleft())] = worker
    finally:
        for worker in workers:
            ray.kill(worker)
        run.store.discard(patience=WAIT)  # the workers end soon, and with them their share


class _Worker:
    """A process that computes units of a run."""

    def __init__(self, folder: Path, arguments: dict[str, Any]) -> None:
        import_matplotlib(folder)
        with suppress(OSError):  # this machine may lack it; then only absolute paths are readable
            os.chdir(folder)  # for relative paths, and for modules that the plan names
        self.run = Run.restore(**arguments)
        self.units = list(self.run.units())

    def compute(self, index: int) -> int:
        unit = self.units[index]
        if self.run.is_due(unit):  # a retry may find it written
            self.run.compute(unit)
        return index


def _environment(threads: int) -> dict[str, str]:
    """Return the environment of a worker."""
    environment = {**ENVIRONMENT, "OMP_NUM_THREADS": str(threads)}
    folders = [folder for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if folder]
    if not all(map(os.path.isabs, folders)):  # a worker does not start in the working folder
        environment["PYTHONPATH"] = os.pathsep.join(map(os.path.abspath, folders))
    return environment


def _connect(cluster: Cluster) -> Any:
    """Return the module `ray` after connecting to the cluster.

    Ray lets every worker import modules from the working folder of the process that connects,
    before those that are installed: any `pandas.py` there would run. It connects from the folder
    of Python's own modules instead.
    """
    try:
        import ray
    except ImportError as error:
        raise missing_package("ray", "the engine ray") from error
    if not ray.is_initialized():
        # without an address Ray connects to what a file in /tmp names, which any user may write
        address = cluster.address or os.environ.get("RAY_ADDRESS") or "local"
        options = {"include_dashboard": False} if address == "local" else {}
        try:
            with chdir(sysconfig.get_path("stdlib")):
                ray.init(address=address, log_to_driver=False, logging_level="ERROR", **options)
        except (ConnectionError, ValueError) as error:
            raise InputError(f"no Ray cluster at {address}: {error}") from error
    return ray


def _result(ray: Any, reference: Any) -> int:
    """Return the index of a finished unit; raise `InputError` for errors of a worker."""
    try:
        index: int = ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise InputError(str(as_message(error.cause))) from error
    except ray.exceptions.RayActorError as error:
        # the last line has the reason, e.g. missing data or memory
        reason = str(error).strip().splitlines()[-1].strip()
        raise InputError(
            f"a worker could not start, or died {MAX_RETRIES + 1} times on one unit ({reason}); "
            "finished units are kept"
        ) from error
    return index
