import json
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from unsee import InputError
from unsee.evaluation.manifest import Settings
from unsee.storage.records import record


@dataclass(frozen=True)
class Inner:
    size: tuple[int, int]
    share: float = 0.5


@dataclass(frozen=True)
class Outer:
    name: str
    inner: Inner
    words: tuple[str, ...] = ()
    fit: Literal["crop", "resize"] = "crop"
    limit: int | None = None
    versions: dict[str, str] = field(default_factory=dict)
    saved: bool = False
    other: Any = None


GOOD = {"name": "a", "inner": {"size": [2, 3], "share": 1}}


def test_plain_values_become_a_record() -> None:
    settings = {**GOOD, "limit": None, "words": ["x"], "versions": {"unsee": "1"}, "newer": 1}
    made = record(Outer, settings, "file")
    assert made == Outer("a", Inner((2, 3), 1.0), ("x",), versions={"unsee": "1"})
    assert isinstance(made.inner.share, float)


def test_the_budget_of_a_run_may_be_a_word_or_a_number() -> None:
    settings = {
        "data": "d", "classifiers": ["c"], "methods": ["rise"], "infillers": ["own"],
        "metrics": ["gini"], "target": "label", "seed": 0, "precision": "float32",
    }  # fmt: skip
    for budget in ("fast", 300, None):
        assert record(Settings, {**settings, "budget": budget}, "file").budget == budget
    with pytest.raises(InputError, match="expected budget"):
        record(Settings, {**settings, "budget": [1]}, "file")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": 3}, "expected name to be a text, got 3"),
        ({"name": None}, "name to be a text"),
        ({"inner": []}, "inner to be a mapping"),
        ({"inner": {}}, "lacks inner.size"),
        ({"inner": {"size": [1]}}, "inner.size to be a list of 2"),
        ({"inner": {"size": ["1", 2]}}, r"inner.size\[0\] to be an integer"),
        ({"inner": {"size": [True, 2]}}, "integer"),
        ({"inner": {"size": [10**30, 2]}}, "integer"),
        ({"inner": {"size": [1, 2], "share": float("nan")}}, "finite number"),
        ({"inner": {"size": [1, 2], "share": "0.5"}}, "finite number"),
        ({"words": "text"}, "words to be a list"),
        ({"words": [1]}, "text"),
        ({"fit": "squeeze"}, "'crop' or 'resize'"),
        ({"fit": []}, "'crop' or 'resize'"),
        ({"limit": "all"}, "integer"),
        ({"versions": ["1"]}, "mapping"),
        ({"saved": 1}, "true or false"),
    ],
)
def test_values_of_other_types_are_refused(change, message) -> None:
    with pytest.raises(InputError, match=f"^file: .*{message}"):
        record(Outer, {**GOOD, **change}, "file")


def test_content_that_is_no_mapping_is_refused() -> None:
    for content in ("[]", "3", "null", '"text"'):
        with pytest.raises(InputError, match="file: expected the content to be a mapping"):
            record(Outer, json.loads(content), "file")
    with pytest.raises(InputError, match="lacks name"):
        record(Outer, {}, "file")
