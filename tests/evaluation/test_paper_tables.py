"""Tables of papers: plans, ranges of a setting, published numbers and claims."""

import pytest

from tests.evaluation.runs import ROOT
from unsee import InputError
from unsee.cli import main
from unsee.evaluation import paper_tables
from unsee.evaluation.columns import columns_of
from unsee.evaluation.plan import Plan
from unsee.parts import resolve_parts
from unsee.registry import available, parse
from unsee.reports.sweeps import find_sweeps

ALPHAS = "localisation:threshold=max,alpha=0:0.9:0.3"


BUDGETS = {path.stem: str(path) for path in (ROOT / "benchmarks" / "tables").glob("*.toml")}
"""Tables with fewer passes than the papers'."""
REPORTED_WITH = {"g-painter": "g-own"}
"""Tables whose claims compare with the methods of another one."""


def test_a_range_is_a_column_for_each_value() -> None:
    assert columns_of(["deletion", "minimal_mask:drop=0.1:0.5:0.2"]) == (
        "deletion", "minimal_mask:drop=0.1", "minimal_mask:drop=0.3", "minimal_mask:drop=0.5",
    )  # fmt: skip
    assert columns_of([ALPHAS])[-1] == "localisation:threshold=max,alpha=0.9"
    assert len(columns_of(["localisation:alpha=0:0.95:0.05"])) == 20
    for values in ("0:1", "0:1:0", "a:b:c", "1:0:0.1", "0:1:1e-9"):
        with pytest.raises(InputError, match="expected drop=first:last:step"):
            columns_of([f"minimal_mask:drop={values}"])


@pytest.mark.parametrize("name", [*paper_tables.tables(), *BUDGETS])
def test_tables_are_complete(name, monkeypatch) -> None:
    monkeypatch.setattr("unsee.methods.base.find_spec", lambda name: True)  # as if installed
    settings, table, stages = paper_tables.load(BUDGETS.get(name, name))
    assert table.summary
    plan = Plan(data="d", **settings)
    if stages:
        return
    plan.check()
    assert table.claims
    configurations = {(c.method, c.infiller) for c in plan.combinations()}
    if name in REPORTED_WITH:
        other = Plan(data="d", **paper_tables.load(BUDGETS[REPORTED_WITH[name]]).settings)
        configurations |= {(c.method, c.infiller) for c in other.combinations()}
    columns = set(plan.columns) | {sweep.tuned_column for sweep in find_sweeps(plan.columns)}
    for row in table.paper:
        assert (row.method, row.infiller) in configurations
        assert row.metric in columns
    for claim in table.claims:
        assert {(claim.better, claim.infiller), (claim.worse, claim.against)} <= configurations
        assert set(claim.metrics) <= columns


def test_stages_of_the_package_are_complete(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr("unsee.methods.base.find_spec", lambda name: True)  # as if installed
    for name in paper_tables.tables():
        settings, _, stages = paper_tables.load(name)
        common = Plan(data=str(tmp_path), **settings)
        for stage in stages:
            left_out = stage.check(stage.plan(common)).note
            assert ("reference" in left_out) == (stage.name == "transfer")
            assert stage.columns


def test_the_plan_truth_has_every_method() -> None:
    settings, _, stages = paper_tables.load("truth")
    assert sorted(settings["methods"]) == available("methods")
    labels = [column.label for stage in stages for column in stage.columns]
    assert len(labels) == len(set(labels)) >= len(stages)


def test_settings_override_a_recipe() -> None:
    text_ = "recipe:igos_pp-published:grid=7,noise=0.0"
    method, infiller, measure = resolve_parts(text_)
    assert (method.grid, method.noise, method.steps) == (7, 0.0, 20)
    assert measure.__name__ == "probability"
    assert infiller.sigma == 50
    assert parse("infillers", "blur:sigma=3").settings == {"sigma": 3}


def test_invalid_plans_are_refused(tmp_path, capsys) -> None:
    with pytest.raises(InputError, match="unknown plan"):
        paper_tables.load("x" * 5000)
    with pytest.raises(InputError, match="File name too long"):
        paper_tables.load("x" * 5000 + ".toml")
    with pytest.raises(InputError, match="did you mean 'g-methods'"):
        paper_tables.load("g-method")
    for content, words in (
        ("x = 1", "setting of a run"),
        ("[[paper]]\nmetod = 'a'", "did you mean 'method'"),
        ("[[claims]]\nbetter = 'a'", r"lacks claims\[0\].worse"),
        ("methods = [", "can be read"),
    ):
        (tmp_path / "plan.toml").write_text(content)
        with pytest.raises(InputError, match=words):
            paper_tables.load(str(tmp_path / "plan.toml"))
    assert main(["list", "tables"]) == 0
    assert "igos_pp-3" in capsys.readouterr().out
    assert main(["evaluate", "--plan", "fido-8"]) == 2
    assert "expected --data" in capsys.readouterr().err
