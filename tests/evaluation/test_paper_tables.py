"""Tables of papers: ranges of a setting, alphas chosen elsewhere, numbers and claims beside."""

import csv
import json

import numpy as np
import pytest

from unsee import InputError
from unsee.cli import main
from unsee.evaluation import paper_tables
from unsee.evaluation.plan import Plan, columns_of
from unsee.evaluation.store import Store
from unsee.registry import parse
from unsee.reports import markdown
from unsee.reports.figures import figures
from unsee.reports.html import page
from unsee.reports.results import Report
from unsee.reports.sweeps import cross_fitted, series
from unsee.study import resolve_parts

ALPHAS = "localisation:threshold=max,alpha=0:0.9:0.3"


def test_a_range_is_a_column_for_each_value() -> None:
    assert columns_of(["deletion", "minimal_mask:drop=0.1:0.5:0.2"]) == (
        "deletion", "minimal_mask:drop=0.1", "minimal_mask:drop=0.3", "minimal_mask:drop=0.5",
    )  # fmt: skip
    assert columns_of([ALPHAS])[-1] == "localisation:threshold=max,alpha=0.9"
    assert len(columns_of(["localisation:alpha=0:0.95:0.05"])) == 20
    for bad in ("0:1", "0:1:0", "a:b:c", "1:0:0.1", "0:1:1e-9"):
        with pytest.raises(InputError, match="expected drop=first:last:step"):
            columns_of([f"minimal_mask:drop={bad}"])


def test_columns_that_differ_in_one_number_are_a_series() -> None:
    (one,) = series(["deletion", *columns_of([ALPHAS]), "localisation:threshold=mean,alpha=0.3"])
    assert one.setting == "alpha"
    assert one.name == "localisation:threshold=max"
    assert list(one.columns) == [0, 0.3, 0.6, 0.9]
    assert one.tuned == "localisation:threshold=max,alpha=tuned"
    assert series(["volume", "minimal_mask:drop=0.1", "minimal_mask:drop=0.2"]) == []


def test_alpha_is_chosen_on_the_other_half() -> None:
    # photos a, c like 0.2 best, photos b, d like 0.4
    values = {
        0.2: {"a": 1.0, "b": 5.0, "c": 2.0, "d": 6.0},
        0.4: {"a": 3.0, "b": 4.0, "c": 3.0, "d": 4.0},
    }
    assert cross_fitted(values, sign=-1) == {"a": 3.0, "c": 3.0, "b": 5.0, "d": 6.0}
    assert cross_fitted(values, sign=1) == {"a": 1.0, "c": 2.0, "b": 4.0, "d": 4.0}
    same = {0.2: {"a": 1.0, "b": 2.0}, 0.1: {"a": 1.0, "b": 2.0}}
    assert cross_fitted(same, sign=1) == {"a": 1.0, "b": 2.0}


def write(folder, table):
    """Rows that no run made: fido is good at alpha 0.3, rise at 0.6, fido the better of the two."""
    g = np.random.default_rng(0)
    store = Store(folder)
    settings = Plan(data="d", methods=("fido", "rise"), metrics=(ALPHAS, "deletion")).settings()
    store.begin({
        "settings": {**settings, "precision": "float32"}, "photos": 40, "threads": 1,
        "table": table.plain(), "versions": {"unsee": "0", "torch": "0"},
    })  # fmt: skip
    columns = columns_of([ALPHAS])
    for number, method in enumerate(("fido", "rise")):
        rows = []
        for i in range(40):
            row = {"photo": f"{i:02d}", "classifier": "efficientnet_lite0", "method": method}
            row |= {"infiller": "own", "forwards": 1.0, "backwards": 0.0, "error": None}
            row |= {column: float(g.uniform() < 0.9) for column in columns}
            row[columns[1 + number]] = float(g.uniform() < (0.2, 0.7)[number])
            row["deletion"] = g.uniform()
            rows.append(row)
        store.write(number, 0, rows, {}, seconds=1.0)
    return store.read()


@pytest.fixture
def run(tmp_path):
    tuned = "localisation:threshold=max,alpha=tuned"
    table = paper_tables.Table.of({
        "summary": "Table 9 of nobody",
        "names": [{"method": "rise", "label": "RISE"}],
        "paper": [{"method": "fido", "metric": tuned, "value": 0.25}],
        "claims": [
            {"better": "fido", "worse": "rise", "metrics": [tuned, "deletion"], "source": "p. 3"},
            {"better": "rise", "worse": "fido", "metrics": [tuned]},
            {"better": "tide", "worse": "fido", "metrics": [tuned]},
        ],
    })  # fmt: skip
    return tmp_path / "run", write(tmp_path / "run", table), tuned


def test_papers_numbers_and_claims_stand_beside_ours(run) -> None:
    folder, rows, tuned = run
    report = Report.of([folder])
    assert report.metrics == ("deletion", tuned)
    fido, rise = report.ways
    assert report.paper(fido, tuned) == 0.25
    assert report.paper(rise, tuned) is None
    expected = np.mean([row[columns_of([ALPHAS])[1]] for row in rows if row["method"] == "fido"])
    assert report.mean(fido, tuned).value == pytest.approx(expected)
    words = [(one.claim.better, one.metric, one.word) for one in report.verdicts]
    assert words == [
        ("fido", tuned, "holds"),
        ("fido", "deletion", "not significant"),
        ("rise", tuned, "does not hold"),
    ]
    written = markdown.markdown(report)
    assert "(paper 0.25)" in written
    assert "**holds** | p. 3" in written
    assert "alpha=tuned: every photo's number" in written
    assert written.startswith("# Table 9 of nobody")
    assert "Of 3 comparisons: 1 holds, 1 does not hold, 1 not significant." in written
    assert "| fido > RISE |" in written
    assert "deletion ↓: Area under the probability as the best pixels go first" in written
    assert "Protocol rise: pixels to grey" in written
    drawn = page(report, figures(report))
    assert "paper 0.25" in drawn
    assert 'alt="Over a setting, with' in drawn
    assert "does not hold" in drawn
    lines = list(csv.DictReader(markdown.as_csv(report).splitlines()))
    assert len(lines) == 2 * 6
    assert tuned.replace("_", r"\_") in markdown.latex(report)


def test_a_name_means_the_only_way_that_adds_settings_to_it(run, tmp_path) -> None:
    folder, _, tuned = run
    store = Store(tmp_path / "more")
    manifest = json.loads((folder / "run.json").read_text())
    asked = ["fido:sparsity=0.1", "rise", "rise:samples=9"]
    manifest["settings"]["methods"] = asked
    store.begin(manifest)
    rows = [row for row in Store(folder).read() if row["method"] == "fido"]
    for number, method in enumerate(asked):
        store.write(number, 0, [row | {"method": method} for row in rows], {}, seconds=1.0)
    report = Report.of([tmp_path / "more"])
    assert [report.paper(way, tuned) for way in report.ways] == [0.25, None, None]
    told = {(one.claim.better, one.claim.worse) for one in report.verdicts}
    assert told == {("fido", "rise"), ("rise", "fido")}  # rise itself, not rise:samples=9
    store.write(1, 0, [row | {"method": "rise:cells=5"} for row in rows], {}, seconds=1.0)
    assert not Report.of([tmp_path / "more"]).verdicts  # two that it could be


def test_runs_without_a_table_are_reported_as_before(run) -> None:
    folder, _, _ = run
    manifest = json.loads((folder / "run.json").read_text())
    del manifest["table"]
    (folder / "run.json").write_text(json.dumps(manifest))
    assert Report.of([folder]).verdicts == []


@pytest.mark.parametrize("name", paper_tables.tables())
def test_tables_that_ship_are_whole(name, monkeypatch) -> None:
    monkeypatch.setattr("unsee.methods.base.find_spec", lambda name: True)  # as if installed
    settings, table = paper_tables.load(name)
    plan = Plan(data="d", **settings)
    plan.check()
    assert table.summary
    assert table.claims
    ways = {(c.method, c.infiller) for c in plan.combinations()}
    known = set(plan.columns) | {one.tuned for one in series(plan.columns)}
    for row in table.paper:
        assert (row.method, row.infiller) in ways
        assert row.metric in known
    for claim in table.claims:
        assert {(claim.better, claim.infiller), (claim.worse, claim.against)} <= ways
        assert set(claim.metrics) <= known


def test_settings_override_a_recipe() -> None:
    text_ = "recipe:igos_pp-published:grid=7,noise=0.0"
    method, infiller, measure = resolve_parts(text_)
    assert (method.grid, method.noise, method.steps) == (7, 0.0, 20)
    assert measure.__name__ == "probability"
    assert infiller.sigma == 50
    assert parse("infillers", "blur:sigma=3").settings == {"sigma": 3}


def test_what_is_no_plan_is_said(tmp_path, capsys) -> None:
    with pytest.raises(InputError, match="did you mean 'g-methods'"):
        paper_tables.load("g-method")
    for content, words in (
        ("x = 1", "setting of a run"),
        ("[[paper]]\nmetod = 'a'", "did you mean 'method'"),
        ("[[claims]]\nbetter = 'a'", "a claim needs more"),
        ("methods = [", "cannot read"),
    ):
        (tmp_path / "plan.toml").write_text(content)
        with pytest.raises(InputError, match=words):
            paper_tables.load(str(tmp_path / "plan.toml"))
    assert main(["list", "tables"]) == 0
    assert "igos_pp-3" in capsys.readouterr().out
    assert main(["evaluate", "--plan", "fido-8"]) == 2
    assert "expected --data" in capsys.readouterr().err
