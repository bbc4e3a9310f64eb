"""What `run.json` and `classifier-N.json` say, with the types that they must have."""

import json
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from unsee.classifiers import answers
from unsee.errors import InputError
from unsee.images.framing import Framing

FORMAT = 1
"""Number of the format of run folders; a folder of a later format is refused."""
MAX_PHOTOS = 10**9
MAX_THREADS = 4096
MAX_COMBINATIONS = 100_000
MAX_SIDE = 16_384
"""Largest side of a classifier's input."""
MAX_CHANNELS = 1024

UNKNOWN = ("digest", "kind", "data_mean", "data_std")
"""Values of a classifier that may be empty, which means that they are unknown."""
ANSWERS = ("answers", "tolerance")
"""Values of a classifier that are compared together, and not exactly."""
CHANGES = {
    "digest": "weights", "kind": "kind of outputs", "data_mean": "mean colour of the data",
    "data_std": "deviation of the data",
}  # fmt: skip
"""Words for values of a classifier in messages."""


@dataclass(frozen=True)
class Settings:
    """Those settings of a run that a report states; `evaluation.plan.Plan` has all."""

    data: str
    classifiers: tuple[str, ...]
    methods: tuple[str, ...]
    infillers: tuple[str, ...]
    metrics: tuple[str, ...]
    target: str
    seed: int
    precision: str
    budget: str | int | None = None
    metric_infiller: str | None = None
    measure: str | None = None
    fit: str | None = None
    cells: str | None = None
    shard: int | None = None
    save_maps: bool = False
    classes: str | None = None
    limit: int | None = None
    subset: Literal["random", "stratified", "first"] = "first"
    correct: bool = False

    def __post_init__(self) -> None:
        size = len(self.classifiers) * len(self.methods) * len(self.infillers)
        if not 1 <= size <= MAX_COMBINATIONS:
            raise InputError(f"expected 1 to {MAX_COMBINATIONS:,} combinations, got {size:,}")
        if self.shard is not None and self.shard < 1:
            raise InputError(f"expected settings.shard to be at least 1, got {self.shard}")


@dataclass(frozen=True)
class Versions:
    """Versions of the packages that computed a run."""

    unsee: str
    torch: str


@dataclass(frozen=True)
class Choice:
    """From how many photos those of a run were taken, and why others were left out."""

    of: int
    """Photos of the data set, or of the classes of the plan."""
    tried: int = 0
    """Photos that were classified, if only those count that are answered rightly."""
    wrong: int = 0
    """Of those that were tried: photos with another answer."""
    unlabelled: int = 0
    """Of those that were tried: photos without a class."""
    failed: int = 0
    """Of those that were tried: photos that could not be read or classified."""

    def __post_init__(self) -> None:
        for field_ in fields(self):
            value = getattr(self, field_.name)
            if not 0 <= value <= MAX_PHOTOS:
                raise InputError(f"expected {field_.name} to be 0 to {MAX_PHOTOS:,}, got {value:,}")


@dataclass(frozen=True)
class RunManifest:
    """The manifest of a run."""

    settings: Settings
    photos: int
    versions: Versions
    threads: int = 1
    table: dict[str, Any] = field(default_factory=dict)
    photo_ids: tuple[str, ...] | None = None
    """Photos of a run of a part of the data set, in their order."""
    choice: Choice | None = None

    def __post_init__(self) -> None:
        limits = {"photos": (self.photos, MAX_PHOTOS), "threads": (self.threads, MAX_THREADS)}
        for name, (value, limit) in limits.items():
            if not 1 <= value <= limit:
                raise InputError(f"expected {name} to be 1 to {limit:,}, got {value:,}")
        if self.photo_ids is not None and not (
            len(self.photo_ids) == len({*self.photo_ids}) == self.photos
        ):
            raise InputError(
                f"expected photo_ids to be {self.photos:,} names, each once, got "
                f"{len(self.photo_ids):,} with {len({*self.photo_ids}):,} different ones"
            )


@dataclass(frozen=True)
class ClassifierView:
    """How a classifier of a run sees photos, so that a report need not load it."""

    framing: Framing
    channels: int
    labels: tuple[str, ...]
    """Names of the classes."""
    digest: str = ""
    """Hash of the weights and the normalisation; empty for a function of Python."""
    kind: str = ""
    """Kind of the outputs; empty if it is unknown, or in a run of an earlier version."""
    data_mean: tuple[float, ...] = ()
    """Mean colour of the data, which is grey; empty in a run of an earlier version."""
    data_std: tuple[float, ...] = ()
    """Standard deviation of the data; empty in a run of an earlier version."""
    answers: tuple[float, ...] = ()
    """Outputs for fixed pictures; empty if there are none, or in a run of an earlier version."""
    tolerance: float = 0.0
    """Share of their scale by which rounding may change the outputs."""

    def continuing(self, stored: "ClassifierView") -> "ClassifierView":
        """Return the view with the share that a run has stored, if the classifier states none.

        Earlier versions store the default that they used, which its other photos need as well.
        """
        if self.framing.share is not None:
            return self
        return replace(self, framing=replace(self.framing, share=stored.framing.share))

    def changes(self, other: "ClassifierView") -> list[str]:
        """Return in what another view differs, except in what one of both does not know.

        Outputs for the same pictures are named if nothing else shows why they differ.
        """
        names = [
            field.name
            for field in fields(self)
            if field.name not in ANSWERS and getattr(self, field.name) != getattr(other, field.name)
        ]
        changes = [
            CHANGES.get(name, name)
            for name in names
            if name not in UNKNOWN or all(getattr(view, name) for view in (self, other))
        ]
        tolerance = max(self.tolerance, other.tolerance)
        if not changes and answers.differ(self.answers, other.answers, tolerance):
            changes.append("outputs for the same pictures")
        return changes

    def __post_init__(self) -> None:
        sides = self.framing.size
        if not all(1 <= side <= MAX_SIDE for side in sides):
            raise InputError(f"expected the framing of a classifier, got {self.framing}")
        if not 1 <= self.channels <= MAX_CHANNELS:
            raise InputError(f"expected channels to be 1 to {MAX_CHANNELS}, got {self.channels}")


def upgraded(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings by their present names, with those that earlier versions did not have.

    Earlier versions stored one under another name, and took the first photos of the data set.
    """
    own = {key: value for key, value in settings.items() if key != "judge"}
    earlier = {"metric_infiller": settings.get("judge"), "subset": "first", "correct": False}
    return {**earlier, **own}


def plain(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return a manifest as JSON brings it back, with its settings by their present names."""
    values: dict[str, Any] = json.loads(json.dumps(manifest))
    if isinstance(settings := values.get("settings"), dict):
        values["settings"] = upgraded(settings)
    return values


def check_format(number: object, path: object) -> None:
    """Raise `InputError` for a run of a later version, or of none."""
    if type(number) is not int or not 1 <= number <= FORMAT:
        raise InputError(
            f"{path}: a run of format {number!r}, expected {FORMAT}; use the version of unsee that "
            "wrote it"
        )
