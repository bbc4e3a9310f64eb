"""What a run measures: every classifier with every method and in-filler, on every photo."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, NamedTuple

from unsee.classifiers import loading, measures
from unsee.datasets._loading import load_data
from unsee.datasets.base import Sample, filter_classes, parse_classes
from unsee.errors import InputError
from unsee.images.framing import Fit
from unsee.infillers.base import Infiller
from unsee.methods.base import Method, check_choices
from unsee.metrics.base import Metric
from unsee.recipes import Recipe, recipe
from unsee.registry import create, made, settings_in
from unsee.study import DEFAULT_METHOD, default_infiller, passes_of

OWN = "own"
"""The in-filler that a method was published with."""
RECIPE = "recipe:"
"""Before the name of published settings, where a method is asked for."""


class Combination(NamedTuple):
    """One column of the experiment, as it was asked for."""

    classifier: str
    method: str
    infiller: str


@dataclass(frozen=True)
class Plan:
    """All settings of a run. Parts are named as `NAME` or `NAME:setting=value,setting=value`."""

    data: str = ""
    """Labelled photos: a path, or DATASET:PATH."""
    classifiers: tuple[str, ...] = (loading.DEFAULT,)
    """SOURCE[:ARGUMENT]."""
    methods: tuple[str, ...] = (DEFAULT_METHOD,)
    """Methods, or recipe:NAME for published settings."""
    infillers: tuple[str, ...] = (OWN,)
    """In-fillers; own is what each method was published with."""
    metrics: tuple[str, ...] = ("deletion", "insertion", "srg")
    """Metrics; a column each, under the name that is given here. `setting=first:last:step` is a
    column for each value: localisation:alpha=0:0.95:0.05."""
    target: Literal["label", "top1"] = "label"
    """Explain the labelled class, or what the classifier says."""
    measure: str | None = None
    """The score of all methods; by default each method's own."""
    budget: str | None = None
    """Passes a photo: fast, balanced, best or a number."""
    judge: str | None = None
    """In-filler of the metrics that use one; by default that of the method."""
    reference_classifiers: tuple[str, ...] = ()
    """Other classifiers, for metrics that ask a set of them (masked_accuracy)."""
    classes: str = ""
    """Only photos of these labelled classes, as 0-49,120; by default of all."""
    limit: int = 0
    """The first so many photos; 0 takes all."""
    seed: int = 0
    """Same photo, settings and seed: same map."""
    batch: int = 4
    """Photos that are explained together."""
    shard: int = 16
    """Photos in a file of rows: what a kill can lose."""
    save_maps: bool = False
    """Keep the maps too, in half precision."""
    fit: Fit | None = None
    """Cut out the centre of a photo or squeeze it; by default as each classifier was trained."""

    def __post_init__(self) -> None:
        for part in fields(Plan):
            _check_kind(part.name, getattr(self, part.name), part.default)
        check_choices(self)
        for name in ("batch", "shard"):
            if getattr(self, name) < 1:
                raise InputError(f"expected {name} >= 1, got {getattr(self, name)}")
        if self.limit < 0:
            raise InputError(f"expected limit >= 0, got {self.limit}")

    def check(self) -> None:
        """Refuse what no part can be made of, before anything is loaded."""
        for kind in ("classifiers", "methods", "infillers", "metrics"):
            names = getattr(self, kind)
            twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
            if not names:
                raise InputError(f"expected at least one of {kind}")
            if twice:
                raise InputError(f"{kind}: {twice[0]} is there twice")
        for combination in self.combinations():
            parts_of(combination)[0].check()
        self._check_metrics()
        parse_classes(self.classes)
        if self.judge is not None:
            made("infillers", self.judge)
        if self.measure is not None:
            measures.named(self.measure)
        if self.budget is not None:
            passes_of(self.budget)

    def _check_metrics(self) -> None:
        for metric in map(metric_of, self.columns):
            metric.check()
            if metric.needs_reference_classifiers and not self.reference_classifiers:
                raise InputError(f"{type(metric).__name__} needs reference classifiers")

    @property
    def columns(self) -> tuple[str, ...]:
        """The metrics, one for each column; ranges are spread out."""
        return columns_of(self.metrics)

    def combinations(self) -> list[Combination]:
        """In a fixed order."""
        return [
            Combination(classifier, method, infiller)
            for classifier in self.classifiers
            for method in self.methods
            for infiller in self.infillers
        ]

    def samples(self) -> list[Sample]:
        """The photos that are asked about, in a fixed order."""
        return filter_classes(load_data(self.data), self.classes)[: self.limit or None]

    def shards(self, samples: list[Sample]) -> list[list[Sample]]:
        """Those of each file of rows."""
        return [samples[at : at + self.shard] for at in range(0, len(samples), self.shard)]

    @classmethod
    def of(cls, settings: dict[str, Any]) -> "Plan":
        """The plan of a manifest's settings, among which others may be."""
        given: dict[str, Any] = {
            field.name: tuple(value) if isinstance(value, list) else value
            for field in fields(cls)
            if (value := settings.get(field.name)) is not None
        }
        return cls(**given)

    def settings(self) -> dict[str, Any]:
        """As plain values, as JSON would bring them back."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain


def _check_kind(name: str, value: Any, default: Any) -> None:
    """Refuse a value of another kind than the setting's, as a TOML file may hold."""
    if isinstance(default, tuple):
        right = isinstance(value, tuple) and all(isinstance(one, str) for one in value)
        wanted = "a list of words"
    elif default is None:
        right, wanted = value is None or isinstance(value, str), "a word"
    else:
        right, wanted = type(value) is type(default), type(default).__name__
    if not right:
        raise InputError(f"{name}: expected {wanted}, got {value!r}")


def parts_of(combination: Combination) -> tuple[Method, Infiller, str | None]:
    """Method, in-filler and the measure that a recipe wants."""
    known: Recipe | None = None
    if combination.method.startswith(RECIPE):
        name, settings = settings_in(combination.method.removeprefix(RECIPE))
        known = recipe(name)
        method: Method = create("methods", **{**known.method, **settings})
    else:
        method = made("methods", combination.method)
    if combination.infiller != OWN:
        infiller: Infiller = made("infillers", combination.infiller)
    else:
        infiller = create("infillers", **known.infiller) if known else default_infiller(method)
    return method, infiller, known.measure if known else None


def metric_of(text: str) -> Metric:
    """The metric that a column is named after."""
    found: Metric = made("metrics", text)
    return found


def columns_of(metrics: Iterable[str]) -> tuple[str, ...]:
    """One column for each metric; `setting=first:last:step` stands for a column at each value.

    Raises `InputError` for a range that is none.
    """
    return tuple(dict.fromkeys(column for text in metrics for column in _spread(text)))


def _spread(text: str) -> Iterator[str]:
    _, settings = settings_in(text)
    for key, value in settings.items():
        if not isinstance(value, str) or ":" not in value:
            continue
        try:
            first, last, step = (float(part) for part in value.split(":"))
            count = round((last - first) / step) + 1
        except (ValueError, ZeroDivisionError, OverflowError):
            count = 0
        if not 1 <= count <= 1000:
            raise InputError(f"{text}: expected {key}=first:last:step, got {value!r}")
        for i in range(count):
            yield from _spread(text.replace(f"{key}={value}", f"{key}={first + i * step:.6g}"))
        return
    yield text


def digest(settings: Any) -> str:
    """Short, and the same for the same plain values."""
    text = json.dumps(settings, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
