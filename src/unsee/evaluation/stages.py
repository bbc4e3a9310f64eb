"""Stages: several runs of one plan, each in its own folder, and the columns of their summary."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from unsee.datasets._loading import check_data
from unsee.errors import InputError, unknown
from unsee.evaluation import photos
from unsee.evaluation.columns import metric_of
from unsee.evaluation.manifest import check_format
from unsee.evaluation.plan import Plan, check_kind
from unsee.evaluation.stage_share import Share
from unsee.evaluation.store import MANIFEST as RUN
from unsee.evaluation.store import Store
from unsee.storage.files import exists, is_folder, read_bytes, read_json
from unsee.storage.folders import RESERVED, create_file, json_bytes, new_file, write_errors
from unsee.storage.locks import Sharing
from unsee.storage.records import record
from unsee.storage.workplace import is_workplace

MANIFEST = "stages.json"
"""Name of the file that marks a folder of stages."""
FORMAT = 1
"""Number of the format of folders of stages; a folder of a later format is refused."""
DATA = "{data}"
"""Stands for the data of the command line in any text of a stage."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")
"""Names of stages: those of folders on every file system."""
SETTINGS = tuple(f.name for f in fields(Plan) if f.name != "trust")
"""Settings of a plan that a stage may fix."""


@dataclass(frozen=True)
class SummaryColumn:
    """A column of the summary: a metric of a stage, in words."""

    metric: str
    label: str
    """What is tested, in a few words."""
    chance: float | None = None
    """Mean of maps that know nothing; None takes that of the method `random`."""


@dataclass(frozen=True)
class StageInfo:
    """What `stages.json` says about a stage."""

    name: str
    columns: tuple[SummaryColumn, ...] = ()
    """Columns of the summary; none stands for all metrics that rate maps."""
    note: str = ""
    """Why the stage was left out; empty if it was not."""

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name) or RESERVED.match(self.name):
            raise InputError(
                f"the stage {self.name!r}: expected a name of letters, digits, - and _, which "
                "becomes that of a folder"
            )


@dataclass(frozen=True)
class Stage(StageInfo):
    """A run of a plan with stages."""

    settings: dict[str, Any] = field(default_factory=dict)
    """Settings that differ from the plan's."""

    @classmethod
    def of(cls, plain: object) -> "Stage":
        """Make a stage from the values of a TOML file.

        Raises:
            InputError: It has an unknown setting, no name, or a column that it does not measure.
        """
        if not isinstance(plain, dict):
            raise InputError(f"expected a stage with a name, got {plain!r}")
        _check_keys(plain)
        info = record(StageInfo, {k: plain[k] for k in ("name", "columns") if k in plain}, "stage")
        settings = {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in plain.items()
            if key in SETTINGS
        }
        try:
            for part in fields(Plan):
                if part.name in settings:
                    check_kind(part.name, settings[part.name], part.default)
        except InputError as error:
            raise error.prefixed(f"stage {info.name}") from error
        return cls(info.name, info.columns, settings=settings)

    def plan(self, common: Plan) -> Plan:
        """Return the plan of the stage: the common one with the settings that the stage fixes.

        A common limit of photos holds for each stage, where the stage fixes none that is smaller.
        The common reference classifiers are left out where no metric needs them.

        Raises:
            InputError: A setting has another type or value than a plan takes.
        """
        try:
            plan = replace(common, **self.settings)
            texts = {
                f.name: _with_data(getattr(plan, f.name), common.data)
                for f in fields(Plan)
                if f.name != "data" or "data" in self.settings
            }
            limits = [limit for limit in (plan.limit, common.limit) if limit is not None]
            plan = replace(plan, **{**texts, "limit": min(limits, default=None)})
            if "reference_classifiers" not in self.settings and not _needs_references(plan):
                plan = replace(plan, reference_classifiers=())
        except InputError as error:
            raise error.prefixed(f"stage {self.name}") from error
        return plan

    def check(self, plan: Plan) -> "Stage":
        """Check all names and settings of the stage's plan, before anything is loaded.

        Returns:
            The stage, with a note if it is left out for want of reference classifiers.

        Raises:
            InputError: A part does not exist or has other settings.
        """
        stage = self
        try:
            if _needs_references(plan) and not plan.reference_classifiers:
                note = "left out: its metrics need --reference-classifiers, and none are given"
                stage = replace(self, note=note)
                plan = replace(plan, reference_classifiers=plan.classifiers)  # checks all others
            plan.check()
            check_data(plan.data)
            self._check_columns(plan)
        except InputError as error:
            raise error.prefixed(f"stage {self.name}") from error
        return stage

    def _check_columns(self, plan: Plan) -> None:
        """Raise `InputError` for a column of a metric that the stage does not measure."""
        metrics = [column.metric for column in self.columns]
        for metric in metrics:
            if metric not in plan.columns:
                raise unknown("metric of the stage", metric, plan.columns)
            if metrics.count(metric) > 1:
                raise InputError(f"two columns of {metric}")


@dataclass(frozen=True)
class StagesInfo:
    """What `stages.json` says: the stages, and the table of names that the plan has."""

    stages: tuple[StageInfo, ...]
    table: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_names([stage.name for stage in self.stages])


def check_names(names: Sequence[str]) -> None:
    """Raise `InputError` for two stages whose folders would be one."""
    keys = [name.casefold() for name in names]
    for name, key in zip(names, keys, strict=True):
        if keys.count(key) > 1:
            raise InputError(f"two stages are called {name!r}; expected different names")


def stages_of(plain: object) -> tuple[Stage, ...]:
    """Return the stages of the list `stages` of a TOML file; raise `InputError` if one is wrong."""
    if not isinstance(plain, list) or not plain:
        raise InputError(f"expected stages to be a list of [[stages]], got {plain!r}")
    stages = tuple(map(Stage.of, plain))
    check_names([stage.name for stage in stages])
    return stages


def _check_keys(plain: dict[str, Any]) -> None:
    """Raise `InputError` for a key that a stage, or a column of its summary, does not have."""
    keys, columns = (*SETTINGS, "name", "columns"), plain.get("columns")
    for key in plain:
        if key not in keys:
            raise unknown("setting of a stage", key, keys)
    names = [field.name for field in fields(SummaryColumn)]
    for column in columns if isinstance(columns, list) else ():
        for key in column if isinstance(column, dict) else ():
            if key not in names:
                raise unknown("key of a column", key, names)


def is_staged(folder: Path) -> bool:
    """Whether a folder is one of stages."""
    return exists(folder / MANIFEST)


def read(folder: Path) -> StagesInfo:
    """Read `stages.json`; raise `InputError` for a damaged file or one of a later version."""
    path = folder / MANIFEST
    plain = read_json(path)
    if not isinstance(plain, dict):
        raise InputError(f"{path}: expected the stages of a plan, got other JSON")
    check_format(plain.get("format"), path)
    return record(StagesInfo, plain, path)


def begin(
    folder: Path, stages: Iterable[StageInfo], table: dict[str, Any], plans: Sequence[Plan] = ()
) -> Share:
    """Write `stages.json`; a folder that has it already may get further stages.

    Args:
        folder: Folder of the stages.
        stages: The stages of the plan.
        table: Names and claims of the plan.
        plans: The plan of each stage, with which the runs in the folder are compared.

    Returns:
        A share that keeps other processes from removing the folder, as long as it lives.

    Raises:
        InputError: The folder is a run without stages, holds something else, stages that are not
            in the plan or runs of another plan, or cannot be written. It is then as it was.
    """
    if exists(folder) and not is_folder(folder):
        raise InputError(f"{folder}: is a file, expected a folder; choose another folder")
    if exists(folder / RUN):
        raise InputError(f"{folder} is a run without stages; choose another folder")
    infos = tuple(StageInfo(stage.name, stage.columns, stage.note) for stage in stages)
    path, plain = folder / MANIFEST, {"format": FORMAT, **asdict(StagesInfo(infos, table))}
    content = json_bytes(plain, path)
    with write_errors(folder):
        sharing = None
        while sharing is None:  # again if another process has just removed the folder
            missing = [place for place in (path, folder) if not exists(place)]
            if len(missing) == 1 and not all(map(is_workplace, folder.iterdir())):
                raise InputError(f"{folder} exists and is not a folder of stages; choose another")
            folder.mkdir(parents=True, exist_ok=True)
            made = not is_staged(folder) and create_file(path, content)
            sharing = Sharing.join(path)
        if not made:
            _check_stored(folder, StagesInfo(infos, table))
            for info, plan in zip(infos, plans, strict=False):
                _check_run(folder, info, plan)
            if read_bytes(path) != content:
                with new_file(path) as unfinished:
                    unfinished.write_bytes(content)
                sharing = Sharing.join(path) or sharing
    return Share(path, sharing, missing if made else ())


def _with_data(value: Any, data: str) -> Any:
    """Return a setting with the data of the command line in its texts."""
    if isinstance(value, tuple):
        return tuple(text.replace(DATA, data) for text in value)
    return value.replace(DATA, data) if isinstance(value, str) else value


def _check_stored(folder: Path, new: StagesInfo) -> None:
    """Raise `InputError` for stages that are not in the plan, or whose runs it would relabel."""
    stored, planned = read(folder), {info.name: info for info in new.stages}
    if others := [stage.name for stage in stored.stages if stage.name not in planned]:
        raise InputError(
            f"{folder} has stages that this plan has not ({', '.join(others)}); choose another "
            "folder"
        )
    begun = [stage for stage in stored.stages if exists(folder / stage.name / RUN)]
    others = [stage.name for stage in begun if stage.columns != planned[stage.name].columns]
    if others or (begun and stored.table != json.loads(json.dumps(new.table))):
        what = f"other columns in the stage {others[0]}" if others else "another table"
        raise InputError(f"{folder} has results of a plan with {what}; choose another folder")


def _check_run(folder: Path, info: StageInfo, plan: Plan) -> None:
    """Raise `InputError` if the folder has a run of the stage with other settings."""
    store = Store(folder / info.name)
    if exists(store.folder / RUN):
        try:
            stored = store.manifest().get("settings")
            settings = photos.continued(plan, store).settings()
            settings = {**(stored if isinstance(stored, dict) else {}), **settings}
            store.check_same({"settings": settings}, ("settings",))
        except InputError as error:
            raise error.prefixed(f"stage {info.name}") from error


def _needs_references(plan: Plan) -> bool:
    return any(metric_of(column).needs_reference_classifiers for column in plan.columns)
