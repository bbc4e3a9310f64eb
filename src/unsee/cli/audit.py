"""`unsee audit`: which regions outside the object carry a classifier's decisions."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from unsee.audits import page
from unsee.audits.causes import CausalTest
from unsee.audits.findings import Audit, Rules, audit
from unsee.audits.photos import ExplainedRun
from unsee.audits.text import TextDetector
from unsee.classifiers import loading
from unsee.classifiers.classes import classes_of
from unsee.cli import checks, evaluate
from unsee.cli.console import print_errors, say, show_table
from unsee.cli.explain_options import ClassifierName, Device, Folder, MethodName, Trust
from unsee.cli.parsing import parse
from unsee.errors import InputError
from unsee.evaluation.loaded import load_classifier
from unsee.evaluation.plan import Plan, Subset
from unsee.inputs import passes_of
from unsee.output.table import Column, Table
from unsee.registry import resolve, trust_of
from unsee.storage.files import write_text
from unsee.storage.folders import json_bytes, new_folder, write_manifest
from unsee.study import DEFAULT_METHOD

MAPS, REPORT = "maps", "report"
"""Folders in OUT: the run that explains the photos, and the audit."""
METRIC = "scatter"
"""Metric of that run, which needs one; it takes no pass of the network."""


@dataclass(frozen=True, kw_only=True)
class AuditOptions:
    """Find regions that carry a classifier's decisions, and test whether they cause them.

    Explains the photos (OUT/maps, a run of `unsee evaluate` that resumes), cuts out the regions of
    the highest saliency, groups those that look alike, and tests each group: it is removed from its
    photos and pasted into others. OUT/report has audit.html for people and audit.json for programs.
    """

    data: Annotated[str, Positional, arg(metavar="DATA")]
    """Photos, labelled or not: a path, or DATASET:PATH, see `unsee list datasets`. Where objects
    are labelled by boxes or outlines, causes outside of them are called shortcuts."""
    classifier: ClassifierName = loading.DEFAULT
    """Classifier; see `unsee list classifiers`."""
    method: MethodName = DEFAULT_METHOD
    """Method that explains the photos; see `unsee list methods`."""
    infiller: Annotated[str, arg(metavar="INFILLER")] = "painter"
    """In-filler that removes regions in the tests; see `unsee list infillers`."""
    target: Literal["top1", "label"] = "top1"
    """Class that is explained: the answer, or the labelled class."""
    budget: Annotated[str, arg(metavar="BUDGET")] = "fast"
    """Passes through the network for each photo: fast (300), balanced (860), best (3200) or a
    number."""
    limit: Annotated[int | None, arg(metavar="N", help_behavior_hint="(default: all)")] = None
    """Number of photos; `subset` says which."""
    subset: Annotated[Subset, arg(metavar="{random,stratified,first}")] = "random"
    """With `limit`: random photos by the seed, as many of each class (stratified), or the first."""
    share: float = Rules.share
    """Share of the pixels of each photo that is cut: those of the highest saliency."""
    regions: int = Rules.regions
    """Largest number of regions of a photo."""
    least: Annotated[int, arg(metavar="N")] = Rules.least
    """Least number of regions in a group."""
    tests: Annotated[int, arg(metavar="N")] = CausalTest.limit
    """Largest number of regions of a group that are removed and pasted."""
    text: bool = False
    """Search the regions for text, with the package RapidOCR."""
    fail_on: Annotated[
        Literal["nothing", "shortcut", "cause"], arg(metavar="{nothing,shortcut,cause}")
    ] = "nothing"
    """Finding for which the exit status is 1: a shortcut, or also a cause where no objects are
    labelled."""
    seed: int = 0
    """Seed of all random numbers."""
    out: Folder = Path("unsee-audit")
    """Folder of the run and of the report, which replaces an earlier one of the same folder."""
    engine: Literal["local", "ray"] = "local"
    """Where the photos are explained: in this process, or by workers of Ray."""
    workers: int = 2
    """With ray: number of processes."""
    trust: Trust = False
    """Load classifiers and in-fillers that are programs (TorchScript, torch.export), which can run
    any code on this machine."""
    device: Device = None
    """Device of the networks: cpu, cuda, cuda:1, mps."""

    def check(self) -> None:
        """Check what can be checked before anything is loaded."""
        checks.share(share=self.share)
        checks.at_least(1, regions=self.regions, limit=self.limit, workers=self.workers)
        checks.at_least(2, least=self.least)
        checks.at_least(5, tests=self.tests)  # an interval needs as many
        checks.seed(self.seed)
        passes_of(self.budget)
        checks.writable(self.out)

    @property
    def rules(self) -> Rules:
        """Which regions are cut, and what counts as a group."""
        return Rules(share=self.share, regions=self.regions, least=self.least)

    @property
    def evaluation(self) -> evaluate.Evaluate:
        """Options of the run that explains the photos."""
        return evaluate.Evaluate(
            data=self.data, classifiers=(self.classifier,), methods=(self.method,),
            metrics=(METRIC,), target=self.target, budget=self.budget, limit=self.limit,
            subset=self.subset, seed=self.seed, save_maps=True, trust=self.trust,
            out=self.out / MAPS, engine=self.engine, workers=self.workers, device=self.device,
        )  # fmt: skip


ALARMING = {"nothing": (), "shortcut": ("shortcut",), "cause": ("shortcut", "cause")}
"""Verdicts for which the exit status is 1, by `fail_on`."""


def run(arguments: list[str]) -> int:
    """Explain, audit and write; the exit status is 1 for a finding of `fail_on`."""
    options = parse(AuditOptions, arguments, "unsee audit")
    options.check()
    trust = trust_of("infillers", options.infiller, trust=options.trust)
    infiller = resolve("infillers", options.infiller, **trust)
    find_text = TextDetector() if options.text else None
    evaluation = options.evaluation
    plan = evaluate.plan_of(evaluation)
    plan.check()
    run_ = evaluate.complete(plan, evaluation)
    spec = plan.spec("sources", options.classifier)
    classifier = load_classifier(spec, run_.chunk, run_.device, run_.precision, plan.fit)
    classes_of(classifier)  # determines the kind of the outputs
    classifier.kind.require_probability("unsee audit")
    infiller.prepare(classifier.device)
    photos = ExplainedRun(run_, classifier)
    failed = photos.failed()
    if len(failed) == len(run_.samples):
        raise InputError(f"{options.data}: no photo could be explained; {failed[0]}")
    test = CausalTest(classifier, infiller, photos.image_of, options.seed, options.tests)
    result = audit(photos, test, options.rules, find_text)
    print_errors(failed)
    _write(options, plan, result, photos, len(failed))
    alarms = any(finding.verdict in ALARMING[options.fail_on] for finding in result.findings)
    return 1 if alarms or failed else 0


def _write(
    options: AuditOptions, plan: Plan, result: Audit, photos: ExplainedRun, failed: int
) -> None:
    """Print the findings and write the report."""
    title = f"Audit of {options.classifier} on {Path(plan.data).name}"
    label = photos.classifier.label
    notes = [f"{failed} photos could not be explained and are left out."] if failed else []
    if count := photos.without_evidence():
        notes.append(f"The maps of {count} photos show no evidence; no region of them was cut.")
    content = page.plain(result, label)
    show_table(_table(result), **content)
    say(f"{title}: {page.headline(result)}\n", conclusions=[page.headline(result)])
    with new_folder(options.out / REPORT, overwrite=True) as folder:
        text = page.html(result, title, photos.image_of, label, notes)
        write_text(folder / "audit.html", text)
        (folder / "audit.json").write_bytes(json_bytes(content, "the audit"))
        settings = {**plan.settings(), "infiller": options.infiller, "rules": vars(options.rules)}
        write_manifest(folder, {"audit": settings})
    report = options.out / REPORT / "audit.html"
    say(f"report: {report}\n", results=[report])


def _table(result: Audit) -> Table:
    """Return a row for each finding."""
    rows = [
        [
            number, finding.verdict, finding.photos, finding.share, finding.removal.change.value,
            finding.transplant.change.value, finding.inside,
        ]
        for number, finding in enumerate(result.findings, 1)
    ]  # fmt: skip
    columns = [
        Column("number"), Column("finding", align="left"), Column("photos"),
        Column("share", "share", ".0%"), Column("removed", "removed", ".3f"),
        Column("pasted", "pasted", ".3f"), Column("on_object", "on object", ".0%"),
    ]  # fmt: skip
    return Table(columns, rows, note="fall and rise of the probability of the class")
