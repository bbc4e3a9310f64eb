"""Tables of papers: what is run, what the paper found, what it claims."""

import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from importlib.resources import files
from pathlib import Path
from typing import Any

from unsee.errors import InputError, unknown
from unsee.evaluation.plan import OWN, Plan
from unsee.recipes import tomls

FOLDER = "unsee.tables"


@dataclass(frozen=True)
class Found:
    """A paper's number."""

    method: str
    metric: str
    value: float
    infiller: str = OWN


@dataclass(frozen=True)
class Claim:
    """One way is better than another, says the paper."""

    better: str
    """A method as in the plan."""
    worse: str
    metrics: tuple[str, ...]
    infiller: str = OWN
    """Of the better one."""
    against: str = OWN
    """In-filler of the worse one."""
    source: str = ""


@dataclass(frozen=True)
class Name:
    """What a report calls a method."""

    method: str
    """As in the plan."""
    label: str
    infiller: str = ""
    """Of that in-filler alone, which the label then names too."""


@dataclass(frozen=True)
class Table:
    """What stands beside ours in a report."""

    summary: str = ""
    names: tuple[Name, ...] = ()
    paper: tuple[Found, ...] = ()
    claims: tuple[Claim, ...] = ()

    @classmethod
    def of(cls, plain: dict[str, Any]) -> "Table":
        """From plain values, as TOML or a manifest has them.

        Raises `InputError` for keys that are none of theirs.
        """
        return cls(
            plain.get("summary") or "",
            tuple(_made(Name, row) for row in plain.get("names", ())),
            tuple(_made(Found, row) for row in plain.get("paper", ())),
            tuple(_made(Claim, row) for row in plain.get("claims", ())),
        )

    def plain(self) -> dict[str, Any]:
        """For a manifest."""
        return asdict(self)


def tables() -> list[str]:
    """Names of all tables that ship."""
    return tomls(FOLDER)


def load(name: str) -> tuple[dict[str, Any], Table]:
    """Settings of a plan, and what stands beside it, from a table's name or a file's path.

    Raises `InputError` for a file that cannot be read, or that sets what no plan has.
    """
    known = name in tables()
    if not known and not Path(name).exists() and Path(name).suffix != ".toml":
        raise unknown("plan", name, tables())
    where: Any = files(FOLDER).joinpath(f"{name}.toml") if known else Path(name)
    try:
        found = tomllib.loads(where.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"cannot read the plan {name}: {error}") from error
    beside_ = [field.name for field in fields(Table)]
    table = Table.of({key: found.pop(key) for key in beside_ if key in found})
    settings = [field.name for field in fields(Plan)]
    for key in found:
        if key not in settings:
            raise unknown("setting of a run", key, settings)
    return {key: _frozen(value) for key, value in found.items()}, table


def _made(kind: type, row: dict[str, Any]) -> Any:
    known = [field.name for field in fields(kind)]
    if not isinstance(row, dict):
        raise InputError(f"expected a {kind.__name__.lower()} as a table of TOML, got {row!r}")
    for key in row:
        if key not in known:
            raise unknown(f"key of a {kind.__name__.lower()}", key, known)
    try:
        return kind(**{key: _frozen(value) for key, value in row.items()})
    except TypeError as error:
        raise InputError(f"a {kind.__name__.lower()} needs more than {sorted(row)}") from error


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def beside(tables_: Sequence[Table]) -> Table:
    """Several as one."""
    return Table(
        "; ".join(dict.fromkeys(table.summary for table in tables_ if table.summary)),
        tuple(dict.fromkeys(name for table in tables_ for name in table.names)),
        tuple(dict.fromkeys(row for table in tables_ for row in table.paper)),
        tuple(dict.fromkeys(claim for table in tables_ for claim in table.claims)),
    )
