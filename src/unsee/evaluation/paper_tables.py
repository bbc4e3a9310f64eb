"""Tables of papers: the plan of a run, the published numbers and the papers' claims."""

import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar

from unsee.errors import InputError, unknown
from unsee.evaluation.plan import Plan
from unsee.recipes import toml_names
from unsee.study import OWN

PACKAGE = "unsee.tables"
"""Package of the TOML files."""
Entry = TypeVar("Entry")


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
    """Place in the paper."""


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
    def of(cls, plain: dict[str, Any]) -> "Table":
        """Make a table from plain values, as TOML files and manifests hold them.

        Raises:
            InputError: A key is unknown or missing.
        """
        return cls(
            plain.get("summary") or "",
            tuple(_entry(Name, "name", row) for row in plain.get("names", ())),
            tuple(_entry(PaperNumber, "paper's number", row) for row in plain.get("paper", ())),
            tuple(_entry(Claim, "claim", row) for row in plain.get("claims", ())),
        )

    def plain(self) -> dict[str, Any]:
        """Return plain values for a manifest."""
        return asdict(self)


def tables() -> list[str]:
    """Return the names of all tables in the package."""
    return toml_names(PACKAGE)


def load(name: str) -> tuple[dict[str, Any], Table]:
    """Read the settings of a plan and its table.

    Args:
        name: The name of a table in the package, or the path of a TOML file.

    Raises:
        InputError: The file cannot be read, or has a setting that a plan does not have.
    """
    listed = name in tables()
    if not listed and not Path(name).exists() and Path(name).suffix != ".toml":
        raise unknown("plan", name, tables())
    file: Traversable | Path = files(PACKAGE).joinpath(f"{name}.toml") if listed else Path(name)
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"cannot read the plan {name}: {error}") from error
    of_table = [field.name for field in fields(Table)]
    table = Table.of({key: content.pop(key) for key in of_table if key in content})
    settings = [field.name for field in fields(Plan)]
    for key in content:
        if key not in settings:
            raise unknown("setting of a run", key, settings)
    return {key: _frozen(value) for key, value in content.items()}, table


def joined(tables_: Sequence[Table]) -> Table:
    """Join several tables into one, without duplicates."""
    return Table(
        "; ".join(dict.fromkeys(table.summary for table in tables_ if table.summary)),
        tuple(dict.fromkeys(name for table in tables_ for name in table.names)),
        tuple(dict.fromkeys(row for table in tables_ for row in table.paper)),
        tuple(dict.fromkeys(claim for table in tables_ for claim in table.claims)),
    )


def _entry(cls: type[Entry], kind: str, row: Any) -> Entry:
    """Make one entry of a table from a table of TOML."""
    if not isinstance(row, dict):
        raise InputError(f"expected a {kind} as a table of TOML, got {row!r}")
    keys = [field.name for field in fields(cls)]  # type: ignore[arg-type]
    for key in row:
        if key not in keys:
            raise unknown(f"key of a {kind}", key, keys)
    try:
        return cls(**{key: _frozen(value) for key, value in row.items()})
    except TypeError as error:
        raise InputError(f"a {kind} lacks a key, got {sorted(row)}") from error


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
