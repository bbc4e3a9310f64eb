"""`unsee evaluate`: methods, in-fillers and metrics on many photos, in a run that can resume."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import arg

from unsee.classifiers import loading
from unsee.classifiers.devices import check_device
from unsee.cli import checks, cost, run_summary, stages
from unsee.cli.console import print_error, print_note, short
from unsee.cli.explain_options import Device, Folder, Trust
from unsee.cli.parsing import parse
from unsee.datasets.base import Sample
from unsee.errors import DiskFullError, InputError
from unsee.evaluation import paper_tables
from unsee.evaluation.loaded import check_same, load_classifier, load_parts
from unsee.evaluation.plan import Combination, Plan
from unsee.evaluation.ray import Cluster, distribute
from unsee.evaluation.recognition import Trial
from unsee.evaluation.run import Run, Unit
from unsee.evaluation.store import MANIFEST
from unsee.evaluation.worker import frame
from unsee.masking.slots import resolve_cells
from unsee.output.bars import terminal_bars
from unsee.registry.grammar import split_words
from unsee.storage.files import exists, parse_index
from unsee.study import Study


@dataclass(frozen=True)
class Evaluate(Plan):
    """Explain many photos in many configurations and measure every map.

    Rows are Parquet files in OUT/rows; `unsee report` makes tables of them. An interrupted run
    resumes where it stopped when it is started again with the same settings; a folder with other
    settings is refused. A plan may have stages: each is a run in OUT/STAGE.
    """

    plan: Annotated[str | None, arg(metavar="PLAN", help_behavior_hint="")] = None
    """Defaults of these options: the table of a paper, see `unsee list tables`, or a TOML file."""
    stages: Annotated[
        tuple[str, ...], arg(metavar="STAGE", help_behavior_hint="(default: all)")
    ] = ()
    """Names of the stages of the plan to compute; the same folder takes the others later."""
    out: Folder = Path("unsee-run")
    """Folder of the run."""
    engine: Literal["local", "ray"] = "local"
    """Where the run is computed: in this process, or by workers of Ray. The rows are the same."""
    part: Annotated[str, arg(metavar="NUMBER/COUNT")] = "1/1"
    """With local: this process's part, such as 2/8 for the second of eight jobs that share OUT."""
    workers: int = 2
    """With ray: number of processes, each with its own classifier."""
    cpus: float = 1.0
    """With ray: number of cores for each worker."""
    gpus: float = 0.0
    """With ray: number of GPUs, or share of one, for each worker."""
    address: Annotated[
        str | None, arg(metavar="ADDRESS", help_behavior_hint="(default: this machine)")
    ] = None
    """With ray: address of a cluster whose machines share OUT."""
    device: Device = None
    """Device of the networks: cpu, cuda, cuda:1, mps."""
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    """Precision of the networks."""
    chunk: int = 16
    """Number of images in the network at a time, the same in all processes."""
    threads: Annotated[int | None, arg(help_behavior_hint="(default: that of torch)")] = None
    """Number of threads of each process, fixed for the whole run."""
    trust: Trust = False
    """Load classifiers and in-fillers that are programs (TorchScript, torch.export), which can run
    any code on this machine, and import Python code that a plan names. A plan or a stored run never
    grants this."""

    def check(self) -> None:
        """Check what can be checked before anything is loaded."""
        if not self.data:
            raise InputError("expected --data; see unsee evaluate --help")
        checks.at_least(1, workers=self.workers, chunk=self.chunk, threads=self.threads)
        checks.at_least(0, cpus=self.cpus, gpus=self.gpus)
        checks.seed(self.seed)
        if self.engine == "local":
            check_device(self.device)
        checks.writable(self.out)


def run(arguments: list[str]) -> int:
    """Compute what is missing; the exit status is 1 if photos could not be explained."""
    options, file = parse(Evaluate, arguments, "unsee evaluate", opposites=True), None
    on_command_line = {*split_words((*options.classifiers, *options.reference_classifiers))}
    if options.plan is not None:
        file = paper_tables.load(options.plan)
        default = Evaluate(**file.settings)
        options = parse(Evaluate, arguments, "unsee evaluate", default, opposites=True)
    part = _part(options.part)
    options.check()
    plan = plan_of(options)
    if file is not None:
        plans = [stage.plan(plan) for stage in file.stages] or [plan]
        _check_code(plans, options, on_command_line)
    if options.stages and (file is None or not file.stages):
        raise InputError("--stages: expected a plan with stages, such as --plan truth")
    if file is not None and file.stages:
        return stages.run(
            file, plan, options.out, split_words(options.stages),
            lambda plan, out: _run(
                plan, replace(options, out=out), part, file.table, in_stage=True
            ),
        )  # fmt: skip
    plan.check()
    return _run(plan, options, part, file and file.table)


def _run(
    plan: Plan, options: Evaluate, part: tuple[int, int], table: paper_tables.Table | None,
    *, in_stage: bool = False,
) -> int:  # fmt: skip
    """Compute what is missing of one run; return the exit status."""
    try:
        run_ = complete(plan, options, part, table, in_stage=in_stage)
    except DiskFullError as error:
        if in_stage:
            raise
        print_error(f"{error}; what is written is kept")
        return 1
    return run_summary.show(run_, options.out, in_stage=in_stage)


def complete(
    plan: Plan, options: Evaluate, part: tuple[int, int] = (1, 1),
    table: paper_tables.Table | None = None, *, in_stage: bool = False,
) -> Run:  # fmt: skip
    """Begin or continue a run and compute what is missing; return it.

    Raises:
        InputError: The settings are invalid, or the folder holds another run.
        DiskFullError: No space is left; what is written is kept.
    """
    device = options.device or _default_device(options)
    begun = in_stage and exists(options.out / MANIFEST)
    if options.engine == "local" and not begun:  # what cannot be loaded leaves no folder behind
        load_parts(plan, options.chunk, device, options.precision)
    run_ = Run.begin(
        plan, options.out, device=device, precision=options.precision, chunk=options.chunk,
        threads=options.threads or 0, table=table, watch=partial(_watch, plan.limit),
    )  # fmt: skip
    if not begun and options.engine == "local":
        check_same(plan, options.out, options.chunk, device, options.precision)
    for note in run_.samples.notes:
        print_note(note)
    if begun and options.engine == "local" and run_.due():  # a finished stage loads nothing
        load_parts(plan, options.chunk, device, options.precision)
    _compute(run_, options, part)
    run_.finish()
    return run_


def _default_device(options: Evaluate) -> str:
    if options.engine == "ray":  # the workers' device, not this machine's
        return "cuda" if options.gpus else "cpu"
    return loading.default_device()


def _watch(limit: int | None, trials: Iterable[Trial]) -> Iterator[Trial]:
    """Show how many of the photos that are tried are answered rightly."""
    with terminal_bars() as bars:
        bar = bars.add_task("photos that are answered rightly", total=limit, loss="")
        for tried, trial in enumerate(trials, 1):
            bars.update(bar, advance=trial.outcome == "right", loss=f"{tried} tried")
            yield trial


def _check_code(plans: Sequence[Plan], options: Evaluate, on_command_line: set[str]) -> None:
    """Refuse a classifier that is Python code and named by the file of a plan alone."""
    names = [n for plan in plans for n in (*plan.classifiers, *plan.reference_classifiers)]
    for name in names:
        if name not in on_command_line and loading.names_code(name) and not options.trust:
            raise InputError(
                f"{options.plan}: names {name}, which is code that would run; set {{trust}} if you "
                "trust its author, or name it with --classifier",
                trust=True,
            )


def plan_of(options: Evaluate) -> Plan:
    """Return the options that are settings of the run."""
    plan = Plan(**{field.name: getattr(options, field.name) for field in fields(Plan)})
    return replace(
        plan,
        classifiers=split_words(plan.classifiers),
        methods=split_words(plan.methods),
        infillers=split_words(plan.infillers),
        metrics=split_words(plan.metrics),
        reference_classifiers=split_words(plan.reference_classifiers),
    )


def _part(text: str) -> tuple[int, int]:
    number, _, count = text.partition("/")
    expected = "--part: expected NUMBER/COUNT, such as 2/8"
    part = parse_index(number, expected), parse_index(count, expected)
    if not 1 <= part[0] <= part[1]:
        raise InputError(f"{expected}, got {text!r}")
    return part


def _compute(run_: Run, options: Evaluate, part: tuple[int, int]) -> None:
    cluster = Cluster(options.workers, options.cpus, options.gpus, options.address)
    before, total = len(run_.due()), run_.summary()["units"]
    if options.engine == "local":
        _announce(run_, part)
    done: Iterator[Unit] = (
        distribute(run_, cluster) if options.engine == "ray" else run_.local(part)
    )
    with terminal_bars() as bars:
        bar = bars.add_task("units", total=total, completed=total - before, loss="")
        photos = 0
        for unit in done:
            photos += len(unit.samples)
            elapsed = bars.tasks[0].elapsed or 0
            speed = f"{photos / elapsed:.2f} maps/s" if elapsed else ""
            name = "  ".join(unit.combination)
            bars.update(bar, advance=1, loss=speed, description=short(name))


def _announce(run_: Run, part: tuple[int, int]) -> None:
    """Say how long the missing maps take, from a trial of each combination on one photo."""
    units = [unit for unit in run_.due() if (unit.number + unit.shard) % part[1] == part[0] - 1]
    photos: dict[Combination, int] = {}
    for unit in units:
        photos[unit.combination] = photos.get(unit.combination, 0) + len(unit.samples)
    if sum(photos.values()) <= len(photos):  # the trial would be most of the work
        return
    seconds = sum(_seconds(run_, c, units[0].samples[0]) * count for c, count in photos.items())
    maps = f"{sum(photos.values())} maps of {len(photos)} combinations; metrics come in addition"
    cost.announce(seconds, maps)


def _seconds(run_: Run, combination: Combination, sample: Sample) -> float:
    """Return the expected duration of a map; 0 if it fails, which its row reports."""
    plan = run_.plan
    try:
        spec = plan.spec("sources", combination.classifier)
        classifier = load_classifier(spec, run_.chunk, run_.device, run_.precision, plan.fit)
        photo = frame(sample, plan, classifier)
        study = Study.of(
            classifier, photo.image, combination.method,
            infiller=plan.spec("infillers", combination.infiller),
            targets="top1" if photo.target is None else photo.target, measure=plan.measure,
            cells=resolve_cells(plan.cells, photo.image, classifier.framing, [photo.size]),
            seed=plan.seed, budget=plan.budget,
        )  # fmt: skip
        return cost.seconds_of(study)
    except Exception:
        return 0.0
