"""`unsee evaluate`: methods, in-fillers and metrics on many photos, without losing a row."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

import tyro
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from unsee.cli import flags, print_error
from unsee.errors import DiskFullError, InputError
from unsee.evaluation import paper_tables
from unsee.evaluation.plan import Plan
from unsee.evaluation.ray import Cluster, distribute
from unsee.evaluation.run import Run, Unit


@dataclass(frozen=True)
class Evaluate(Plan):
    """Explain many photos in many ways and rate every map; see `unsee report` for what came out.

    Rows are Parquet files in OUT/rows. A run that was stopped or killed goes on where it was, when
    it is asked for again with the same settings; a folder of other settings is refused.
    """

    plan: str | None = None
    """A table of a paper (unsee list tables), or a TOML file of these settings; flags override."""
    out: Path = Path("unsee-run")
    """Folder of the run."""
    engine: Literal["local", "ray"] = "local"
    """This process, or workers of Ray: the same rows."""
    part: str = "1/1"
    """local: this process's part, as 2/8 for the second of eight jobs that share OUT."""
    workers: int = 2
    """ray: processes, each with a classifier of its own."""
    cpus: float = 1.0
    """ray: cores for each worker."""
    gpus: float = 0.0
    """ray: GPUs, or a share of one, for each worker."""
    address: str | None = None
    """ray: of a cluster whose machines share OUT; by default this machine."""
    device: str | None = None
    """cpu, cuda, ...; by default CUDA where there is one."""
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    """Of the network."""
    chunk: int = 16
    """Images in the network at a time, the same in all processes so that rows are."""
    threads: int = 0
    """Of each process; 0 takes what torch chooses here, and keeps it for the whole run."""


def run(arguments: list[str]) -> int:
    """Do what is missing; exit status 1 if photos could not be explained."""
    plan = flags.named(arguments, "plan")
    defaults, table = paper_tables.load(plan) if plan else ({}, None)
    chosen = tyro.cli(Evaluate, prog="unsee evaluate", args=arguments, default=Evaluate(**defaults))
    if not chosen.data:
        raise InputError("expected --data; see unsee evaluate --help")
    asked = Plan(**{field.name: getattr(chosen, field.name) for field in fields(Plan)})
    part = _part(chosen.part)
    device = chosen.device
    if device is None and chosen.engine == "ray":  # what the workers are given, not what is here
        device = "cuda" if chosen.gpus else "cpu"
    made = Run.begin(
        asked, chosen.out, device=device, precision=chosen.precision, chunk=chosen.chunk,
        threads=chosen.threads, table=table,
    )  # fmt: skip
    try:
        _walk(made, chosen, part)
    except DiskFullError as error:
        print_error(f"{error}; what is written is kept")
        return 1
    made.finish()
    return _tell(made, chosen.out)


def _part(text: str) -> tuple[int, int]:
    number, _, count = text.partition("/")
    if not (number.isdigit() and count.isdigit() and 1 <= int(number) <= int(count)):
        raise InputError(f"--part: expected NUMBER/COUNT, as 2/8, got {text!r}")
    return int(number), int(count)


def _walk(made: Run, chosen: Evaluate, part: tuple[int, int]) -> None:
    cluster = Cluster(chosen.workers, chosen.cpus, chosen.gpus, chosen.address)
    before, total = made.summary()["missing"], made.summary()["units"]
    done: Iterator[Unit] = distribute(made, cluster) if chosen.engine == "ray" else made.local(part)
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        TextColumn("{task.fields[speed]}"), TimeElapsedColumn(), TimeRemainingColumn(),
        transient=True,
    ) as bars:  # fmt: skip
        bar = bars.add_task("units", total=total, completed=total - before, speed="")
        photos = 0
        for unit in done:
            photos += len(unit.samples)
            elapsed = bars.tasks[0].elapsed or 0
            speed = f"{photos / elapsed:.2f} maps/s" if elapsed else ""
            name = "  ".join(unit.combination)
            bars.update(bar, advance=1, speed=speed, description=name)


def _tell(made: Run, out: Path) -> int:
    """One line of what is there, and one for each kind of trouble."""
    rows, wrong, bad = 0, 0, dict[str, str]()
    for row in made.store.walk(("photo", "error")):  # of a long run there are many
        rows += 1
        if row["error"]:
            wrong += 1
            bad[row["photo"]] = row["error"]
    sys.stdout.write(
        f"{rows} rows of {len(made.samples)} photos and {len(made.plan.combinations())} "
        f"combinations: {out / 'rows'}; unsee report {out}\n"
    )
    for line in list(bad.values())[:10]:
        print_error(line)
    if len(bad) > 10:
        print_error(f"and {len(bad) - 10} more bad photos")
    if rows and wrong == rows:
        print_error("no photo could be explained")
    return 1 if bad else 0
