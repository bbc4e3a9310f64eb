"""`unsee evaluate`: methods, in-fillers and metrics on many photos, in a run that can resume."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import arg

from unsee.classifiers import loading
from unsee.classifiers.devices import check_device
from unsee.cli import checks, cost
from unsee.cli.console import print_error, print_note, progress, say, short
from unsee.cli.explain_options import Device, Folder, Trust
from unsee.cli.parsing import parse
from unsee.datasets.base import Sample
from unsee.errors import DiskFullError, InputError
from unsee.evaluation import paper_tables
from unsee.evaluation.plan import Combination, Plan
from unsee.evaluation.ray import Cluster, distribute
from unsee.evaluation.run import Run, Unit
from unsee.evaluation.worker import frame, load_classifier, load_parts
from unsee.files import parse_index
from unsee.registry import split_words
from unsee.study import Study

MAX_ERRORS = 10
"""Number of photos whose errors are printed."""


@dataclass(frozen=True)
class Evaluate(Plan):
    """Explain many photos in many configurations and measure every map.

    Rows are Parquet files in OUT/rows; `unsee report` makes tables of them. An interrupted run
    resumes where it stopped when it is started again with the same settings; a folder with other
    settings is refused.
    """

    plan: Annotated[str | None, arg(metavar="PLAN", help_behavior_hint="")] = None
    """Defaults of these options: the table of a paper, see `unsee list tables`, or a TOML file."""
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
        _plan(self).check()


def run(arguments: list[str]) -> int:
    """Compute what is missing; the exit status is 1 if photos could not be explained."""
    options, table = parse(Evaluate, arguments, "unsee evaluate"), None
    if options.plan is not None:
        settings, table = paper_tables.load(options.plan)
        on_command_line = {*_classifiers(options)}
        options = parse(Evaluate, arguments, "unsee evaluate", Evaluate(**settings))
        _check_code(options, on_command_line)
    part = _part(options.part)
    options.check()
    device = options.device
    if device is None:
        device = loading.default_device()
        if options.engine == "ray":  # the workers' device, not this machine's
            device = "cuda" if options.gpus else "cpu"
    plan = _plan(options)
    if options.engine == "local":  # a part that cannot be loaded leaves no folder behind
        load_parts(plan, options.chunk, device, options.precision)
    run_ = Run.begin(
        plan, options.out, device=device, precision=options.precision, chunk=options.chunk,
        threads=options.threads or 0, table=table,
    )  # fmt: skip
    for note in run_.samples.notes:
        print_note(note)
    try:
        _compute(run_, options, part)
    except DiskFullError as error:
        print_error(f"{error}; what is written is kept")
        return 1
    run_.finish()
    return _print_summary(run_, options.out)


def _classifiers(options: Evaluate) -> tuple[str, ...]:
    return split_words((*options.classifiers, *options.reference_classifiers))


def _check_code(options: Evaluate, on_command_line: set[str]) -> None:
    """Refuse a classifier that is Python code and named by the file of a plan alone."""
    for name in _classifiers(options):
        if name not in on_command_line and loading.names_code(name) and not options.trust:
            raise InputError(
                f"{options.plan}: names {name}, which is code that would run; set {{trust}} if you "
                "trust its author, or name it with --classifier",
                trust=True,
            )


def _plan(options: Evaluate) -> Plan:
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
    before, total = run_.summary()["missing"], run_.summary()["units"]
    if options.engine == "local":
        _announce(run_, part)
    done: Iterator[Unit] = (
        distribute(run_, cluster) if options.engine == "ray" else run_.local(part)
    )
    with progress() as bars:
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
    units = [unit for unit in run_.missing() if (unit.number + unit.shard) % part[1] == part[0] - 1]
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
            seed=plan.seed, budget=plan.budget,
        )  # fmt: skip
        return cost.seconds_of(study)
    except InputError:
        return 0.0


def _print_summary(run_: Run, out: Path) -> int:
    """Print the number of rows, and the errors of some photos; return the exit status."""
    rows, failed = 0, 0
    errors: dict[str, str] = {}
    for row in run_.store.walk(("photo", "error")):  # streamed, since a long run has many
        rows += 1
        if row["error"]:
            failed += 1
            errors[row["photo"]] = row["error"]
    say(
        f"{rows} rows of {len(run_.samples)} photos and {len(run_.plan.combinations())} "
        f"combinations: {out / 'rows'}; unsee report {out}\n"
    )
    for line in list(errors.values())[:MAX_ERRORS]:
        print_error(line)
    if len(errors) > MAX_ERRORS:
        print_error(f"and {len(errors) - MAX_ERRORS} more photos with errors")
    if rows and failed == rows:
        print_error("no photo could be explained")
    return 1 if errors else 0
