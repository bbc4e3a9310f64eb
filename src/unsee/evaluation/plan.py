"""The plan of a run: every classifier with every method and in-filler, on every photo."""

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from typing import Annotated, Any, Literal, NamedTuple

from tyro.conf import arg

from unsee.classifiers import loading
from unsee.classifiers.measures import name_of
from unsee.datasets._loading import load_data
from unsee.datasets.base import Sample, Samples, filter_classes, parse_classes
from unsee.errors import InputError
from unsee.evaluation.columns import columns_of, metric_of
from unsee.evaluation.distinct import check_distinct
from unsee.evaluation.manifest import upgraded
from unsee.images.framing import Fit
from unsee.inputs import passes_of
from unsee.methods._cells import check_cells
from unsee.methods._checks import check_choices
from unsee.parts import OWN, resolve_parts
from unsee.registry import parse, resolve, settings_about
from unsee.study import DEFAULT_METHOD

Subset = Literal["random", "stratified", "first"]
"""Rule by which a limit chooses photos."""


class Combination(NamedTuple):
    """One configuration of the experiment, as the plan names it."""

    classifier: str
    method: str
    infiller: str


@dataclass(frozen=True)
class Plan:
    """All settings of a run. Parts are named as `registry.parse` reads them."""

    data: Annotated[str, arg(metavar="DATA", help_behavior_hint="(required)")] = ""
    """Labelled photos: a path, or DATASET:PATH, see `unsee list datasets`."""
    classifiers: Annotated[
        tuple[str, ...],
        arg(name="classifier", metavar="CLASSIFIER ...", aliases=("--classifiers",)),
    ] = (loading.DEFAULT,)
    """Classifiers, `SOURCE[:ARGUMENT][,setting=value,...]`, see `unsee list classifiers`."""
    methods: Annotated[tuple[str, ...], arg(metavar="METHOD ...")] = (DEFAULT_METHOD,)
    """Methods, NAME[:setting=value,...] or recipe:NAME; see `unsee list methods`."""
    infillers: Annotated[tuple[str, ...], arg(metavar="INFILLER ...")] = (OWN,)
    """In-fillers, NAME[:setting=value,...]; `own` is the one with which a method was published."""
    metrics: Annotated[tuple[str, ...], arg(metavar="METRIC ...")] = (
        "deletion", "insertion", "srg",
    )  # fmt: skip
    """Metrics, NAME[:setting=value,...]; each is a column. A range, `setting=first:last:step`, is
    a column for each value: localisation:alpha=0:0.95:0.05."""
    target: Literal["label", "top1"] = "label"
    """Class to explain: the labelled one, or the predicted one (top1)."""
    measure: Annotated[
        str | None, arg(metavar="MEASURE", help_behavior_hint="(default: that of each method)")
    ] = None
    """Score that is explained: probability, log_odds, logit or margin."""
    cells: Annotated[
        str | None, arg(metavar="CELLS", help_behavior_hint="(default: the grid of each method)")
    ] = None
    """What masks keep or remove as a whole: segments of each photo, slic:n=150, felzenszwalb,
    labels:PATH for a label map of all photos, or the grid; see `unsee list cells`."""
    budget: Annotated[
        str | None, arg(metavar="BUDGET", help_behavior_hint="(default: the methods' settings)")
    ] = None
    """Passes through the network for each photo: fast (300), balanced (860), best (3200) or a
    number. Replaces the number of steps or samples of a method, or its stride."""
    metric_infiller: Annotated[
        str | None, arg(metavar="INFILLER", help_behavior_hint="(default: that of each method)")
    ] = None
    """In-filler of the metrics that remove pixels."""
    reference_classifiers: Annotated[tuple[str, ...], arg(metavar="CLASSIFIER ...")] = ()
    """Other classifiers, for metrics that need them (masked_accuracy, transfer)."""
    classes: Annotated[str | None, arg(metavar="CLASSES", help_behavior_hint="(default: all)")] = (
        None
    )
    """Numbers of the labelled classes whose photos are used, such as 0-49,120, as the data set
    counts them; rows hold the classifier's numbers."""
    limit: Annotated[int | None, arg(metavar="N", help_behavior_hint="(default: all)")] = None
    """Number of photos; `subset` says which."""
    subset: Subset = "random"
    """Photos that `limit` takes: a random choice by the seed, which depends on their names and on
    nothing else; the same in turn from each labelled class (stratified); the first of the data set.
    """
    correct: bool = False
    """Use only photos whose labelled class is the first answer of every classifier."""
    seed: int = 0
    """Seed of all random numbers; what else may change a map is in docs/usage.md."""
    deterministic: bool = False
    """Compute rows in which `batch`, threads and chunk change no bit: one photo at a time, on one
    thread."""
    batch: int = 4
    """Number of photos that are explained together."""
    shard: int = 16
    """Number of photos in a file of rows; an interrupted run loses at most one such file."""
    save_maps: bool = False
    """Save the maps too, in single precision."""
    trust: bool = False
    """Load programs (TorchScript, torch.export) that the parts name; they can run any code. Needed
    each time: neither a folder of a run nor a file of a plan can say it."""
    fit: Annotated[Fit | None, arg(help_behavior_hint="(default: that of each classifier)")] = None
    """How a photo is brought to the size of the input: cut out its centre (crop), change its
    aspect ratio (resize), or both (resize_crop)."""

    def __post_init__(self) -> None:
        for part in fields(Plan):
            check_kind(part.name, getattr(self, part.name), part.default)
        check_choices(self)
        for name in ("batch", "shard"):
            if getattr(self, name) < 1:
                raise InputError(f"expected {name} >= 1, got {getattr(self, name)}")
        if self.limit is not None and self.limit < 1:
            raise InputError(f"expected limit >= 1, got {self.limit}")

    def check(self) -> None:
        """Check all names and settings of parts before anything is loaded.

        Raises:
            InputError: A part does not exist, is named twice, or has other settings, or two
                combinations are the same configuration.
        """
        for kind in ("classifiers", "methods", "infillers", "metrics"):
            names = getattr(self, kind)
            if not names:
                raise InputError(f"expected at least one of {kind}")
            duplicates = [name for name in names if names.count(name) > 1]
            if duplicates:
                raise InputError(f"duplicate {kind.removesuffix('s')} {duplicates[0]!r}")
        if self.correct and self.target == "top1":
            raise InputError(
                "correct compares answers with labels, which the target top1 ignores; set "
                "{target} or {correct}",
                target="label",
                correct=False,
            )
        self._check_trust()
        for classifier in (*self.classifiers, *self.reference_classifiers):
            resolve("sources", classifier)
        for _, method, infiller in self.combinations():
            instance = resolve_parts(method, infiller, self.measure).method
            instance.check()
            check_cells(instance, self.cells)
        self._check_metrics()
        parse_classes(self.classes or "")
        if self.budget is not None:
            passes_of(self.budget)
        check_distinct(self.combinations(), self.measure, self.budget)

    def _check_trust(self) -> None:
        infillers = {*self.infillers, self.metric_infiller or OWN} - {OWN}
        parts = [("sources", name) for name in (*self.classifiers, *self.reference_classifiers)]
        parts += [("datasets", self.data)]
        for kind, spec in (*parts, *(("infillers", name) for name in infillers)):
            if "trust" in parse(kind, spec).texts:
                raise InputError(
                    f"{spec}: trust is not a setting of a run, which is stored; omit it and pass "
                    "{trust}",
                    trust=True,
                )

    def spec(self, kind: str, text: str) -> str:
        """Return the specification of a part as it is loaded: with trust, if the plan has it."""
        if not self.trust or text == OWN or "trust" not in settings_names(kind, text):
            return text
        parsed = parse(kind, text)
        separator = "," if kind == "sources" or parsed.texts else ":"
        return f"{text}{separator}trust=true"

    def _check_metrics(self) -> None:
        if self.metric_infiller is not None:
            resolve("infillers", self.metric_infiller)
        for metric in map(metric_of, self.columns):
            metric.check()
            metric.check_reference_classifiers(len(self.reference_classifiers))
            for method in self.methods:
                metric.check_method(resolve_parts(method).method)

    @property
    def columns(self) -> tuple[str, ...]:
        """Metrics, one for each column of the rows; ranges are expanded."""
        return columns_of(self.metrics)

    def combinations(self) -> list[Combination]:
        """Return all configurations in a fixed order."""
        return [
            Combination(classifier, method, infiller)
            for classifier in self.classifiers
            for method in self.methods
            for infiller in self.infillers
        ]

    def measures(self) -> dict[str, str]:
        """Return the name of the measure that each method explains, unless it is a regression."""
        parts = {method: resolve_parts(method, measure=self.measure) for method in self.methods}
        return {method: name_of(part.measure) for method, part in parts.items()}

    def samples(self) -> Samples:
        """Return the photos of which a run takes its own, in the order of the data set."""
        return filter_classes(load_data(self.data, trust=self.trust), self.classes or "")

    @property
    def takes_a_part(self) -> bool:
        """Whether a run takes a part of the photos of the data set, which it lists."""
        return self.limit is not None or self.correct or bool(self.classes)

    def shards(self, samples: list[Sample]) -> list[list[Sample]]:
        """Return the photos of each file of rows."""
        return [samples[at : at + self.shard] for at in range(0, len(samples), self.shard)]

    @classmethod
    def of(cls, settings: dict[str, Any]) -> "Plan":
        """Return the plan of the settings in a manifest, which may hold others too.

        Older runs store 0 or "" for what is not given.
        """
        renamed = upgraded(settings)
        values: dict[str, Any] = {
            field.name: tuple(value) if isinstance(value, list) else value
            for field in fields(cls)
            if field.name != "trust" and (value := renamed.get(field.name))
        }
        return cls(**values)

    def settings(self) -> dict[str, Any]:
        """Return the settings as JSON brings them back; trust is not among them."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        del plain["trust"]
        return plain


def check_kind(name: str, value: Any, default: Any) -> None:
    """Check that a value, which may be from a TOML file, is of the setting's type."""
    if isinstance(default, tuple):
        is_valid = isinstance(value, tuple) and all(isinstance(word, str) for word in value)
        expected = "a list of words"
    elif default is None:
        kind, expected = (int, "a number") if name == "limit" else (str, "a word")
        is_valid = value is None or type(value) is kind
    else:
        is_valid, expected = type(value) is type(default), type(default).__name__
    if not is_valid:
        raise InputError(f"{name}: expected {expected}, got {value!r}")


def settings_names(kind: str, text: str) -> list[str]:
    """Return the names of the settings of the part that a specification names."""
    return [setting.name for setting in settings_about(kind, parse(kind, text).name)]


def digest(settings: Any) -> str:
    """Return a short hash, the same for the same plain values."""
    text = json.dumps(settings, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
