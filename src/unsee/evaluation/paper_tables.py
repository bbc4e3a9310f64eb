"""Tables of papers: the plan of a run, the published numbers and the papers' claims."""

import os
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from unsee.errors import InputError, as_input_error, unknown
from unsee.evaluation.plan import Plan
from unsee.evaluation.stages import Stage, stages_of
from unsee.parts import OWN
from unsee.recipes import toml_names
from unsee.storage.files import exists, read_toml
from unsee.storage.records import record

PACKAGE = "unsee.tables"
"""Package of the TOML files."""


@dataclass(frozen=True)
class PaperNumber:
    """A number that a paper reports."""

    method: str
    metric: str
    value: float
    infiller: str = OWN


@dataclass(frozen=True)
class Claim:
    """A paper's claim that one configuration is better than another."""

    better: str
    """Method of the better configuration, as in the plan."""
    worse: str
    """Method of the worse configuration, as in the plan."""
    metrics: tuple[str, ...]
    """Metrics by which it is better."""
    infiller: str = OWN
    """In-filler of the better configuration."""
    against: str = OWN
    """In-filler of the worse configuration."""
    source: str = ""
    """Place in the paper: table and cells, or figure or section where there are no numbers."""
    paper: tuple[tuple[float, float], ...] = ()
    """The paper's two numbers, of the better and of the worse configuration, for each metric;
    empty where the paper has none."""


@dataclass(frozen=True)
class Name:
    """The label of a method in reports."""

    method: str
    """Method, as in the plan."""
    label: str
    infiller: str = ""
    """The only in-filler with which the label is used; it then stands for both."""


@dataclass(frozen=True)
class Table:
    """Published numbers and claims that a report compares with a run."""

    summary: str = ""
    names: tuple[Name, ...] = ()
    paper: tuple[PaperNumber, ...] = ()
    claims: tuple[Claim, ...] = ()

    @classmethod
    def of(cls, plain: dict[str, Any], source: object = "the table") -> "Table":
        """Make a table from plain values, as TOML files and manifests hold them.

        Args:
            plain: The values.
            source: Their file, for messages.

        Raises:
            InputError: A key is unknown or missing, or a value is of another type.
        """
        for key, entry in ENTRIES.items():
            rows = plain.get(key, ())
            for row in rows if isinstance(rows, list | tuple) else ():
                for name in row if isinstance(row, dict) else ():
                    _check_key(entry, name, source)
        table = record(cls, {**plain, "summary": plain.get("summary") or ""}, source)
        for number, claim in enumerate(table.claims):
            if claim.paper and len(claim.paper) != len(claim.metrics):
                raise InputError(
                    f"{source}: expected claims[{number}].paper to be a pair of numbers for each "
                    f"of {len(claim.metrics)} metrics, got {len(claim.paper)}"
                )
        return table

    def plain(self) -> dict[str, Any]:
        """Return plain values for a manifest."""
        return asdict(self)


ENTRIES: dict[str, type[Any]] = {"names": Name, "paper": PaperNumber, "claims": Claim}
"""Lists of a table by their keys, and the types of their entries."""


def tables() -> list[str]:
    """Return the names of all tables in the package."""
    return toml_names(PACKAGE)


class PlanFile(NamedTuple):
    """What the file of a plan says."""

    settings: dict[str, Any]
    """Settings of the run; with stages, those that the stages share."""
    table: Table
    """Published numbers, claims and names."""
    stages: tuple[Stage, ...] = ()
    """Runs of the plan; none is one run with the settings."""


def load(name: str) -> PlanFile:
    """Read the settings of a plan, its table and its stages.

    Args:
        name: The name of a table in the package, or the path of a TOML file.

    Raises:
        InputError: The file cannot be read, or has a setting that a plan or a stage does not have.
    """
    with as_input_error("expected the name of a plan or the path of a TOML file"):
        name = os.fspath(name)
    listed = name in tables()
    if not listed and not exists(name) and Path(name).suffix != ".toml":
        raise unknown("plan", name, tables())
    if listed:
        content = tomllib.loads(files(PACKAGE).joinpath(f"{name}.toml").read_text("utf-8"))
    else:
        content = read_toml(name, "plan")
    of_table = [field.name for field in fields(Table)]
    table = Table.of({key: content.pop(key) for key in of_table if key in content}, name)
    stages = _stages(content, name)
    settings = [field.name for field in fields(Plan) if field.name != "trust"]
    for key in content:
        if key not in settings:
            raise unknown("setting of a run", key, settings)
    return PlanFile({key: _frozen(value) for key, value in content.items()}, table, stages)


def _stages(content: dict[str, Any], source: object) -> tuple[Stage, ...]:
    """Take the stages out of the content of a plan's file."""
    if "stages" not in content:
        return ()
    if misplaced := sorted({"name", "columns"} & content.keys()):
        raise InputError(f"{source}: {misplaced[0]} belongs to a stage, not to a plan with stages")
    try:
        return stages_of(content.pop("stages"))
    except InputError as error:
        raise error.prefixed(source) from error


def joined(tables_: Sequence[Table]) -> Table:
    """Join several tables into one, without duplicates."""
    return Table(
        "; ".join(dict.fromkeys(table.summary for table in tables_ if table.summary)),
        tuple(dict.fromkeys(name for table in tables_ for name in table.names)),
        tuple(dict.fromkeys(row for table in tables_ for row in table.paper)),
        tuple(dict.fromkeys(claim for table in tables_ for claim in table.claims)),
    )


def _check_key(entry: type[Any], name: str, source: object) -> None:
    keys = [field.name for field in fields(entry)]
    if name not in keys:
        raise unknown(f"key of a {entry.__name__}", name, keys).prefixed(source)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
