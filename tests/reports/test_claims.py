"""Published numbers and claims in a report."""

import csv
import json

import numpy as np
import pytest

from tests.reports.conftest import ALPHAS, TUNED
from unsee.evaluation.columns import columns_of
from unsee.evaluation.store import Store
from unsee.reports import markdown, tables
from unsee.reports.claims import claim_results, published
from unsee.reports.figures import figures
from unsee.reports.html import page
from unsee.reports.results import Results


def test_claims_are_tested(paper_run) -> None:
    results = Results.read([paper_run])
    assert results.metrics == ("deletion", TUNED)
    fido, rise = results.configurations
    assert published(results, fido, TUNED) == 0.25
    assert published(results, rise, TUNED) is None
    column = columns_of([ALPHAS])[1]
    values = [row[column] for row in Store(paper_run).read() if row["method"] == "fido"]
    assert results.mean(fido, TUNED).value == np.mean(values)
    outcomes = [(r.claim.better, r.metric, r.outcome) for r in claim_results(results)]
    assert outcomes == [
        ("fido", TUNED, "holds"),
        ("fido", "deletion", "not significant"),
        ("rise", TUNED, "does not hold"),
    ]


def test_claims_have_the_papers_numbers_beside_our_means(paper_run) -> None:
    results = Results.read([paper_run])
    tested = claim_results(results)
    assert [r.paper for r in tested] == [(0.21, 0.34), (0.17, 0.19), (None, None)]
    means = [results.mean(c, "deletion").value for c in results.configurations]
    assert tested[1].means == pytest.approx(means)
    lines = tables.claims(tested).markdown().splitlines()
    assert lines[0].startswith("| claim | metric | photos | better | worse | difference |")
    better, worse = tested[1].means
    assert f"| {better:.3f} (paper 0.17) | {worse:.3f} (paper 0.19) |" in lines[3]
    assert "paper" not in lines[4]


def test_reports_have_published_numbers_and_claims(paper_run) -> None:
    results = Results.read([paper_run])
    text = markdown.markdown(results)
    assert text.splitlines()[2].startswith("Table 9 of nobody")
    assert "(paper 0.25)" in text
    assert "**holds** | p. 3" in text
    assert "alpha=tuned: each photo's number" in text
    assert "Of 3 comparisons: 1 holds, 1 does not hold, 1 not significant." in text
    assert "| fido > RISE |" in text
    assert "deletion ↓: " in text
    assert "Protocol rise: single pixels" in text
    html = page(results, figures(results))
    assert "paper 0.25" in html
    assert 'alt="Means over a setting, with' in html
    assert "does not hold" in html
    assert len(list(csv.DictReader(tables.all_numbers(results).csv().splitlines()))) == 2 * 6
    assert TUNED.replace("_", r"\_") in markdown.latex(results)


def test_name_matches_the_only_method_with_further_settings(paper_run, tmp_path) -> None:
    store = Store(tmp_path / "more")
    manifest = json.loads((paper_run / "run.json").read_text())
    methods = ["fido:sparsity=0.1", "rise", "rise:samples=9"]
    manifest["settings"]["methods"] = methods
    store.begin(manifest)
    rows = [row for row in Store(paper_run).read() if row["method"] == "fido"]
    for number, method in enumerate(methods):
        store.write(number, 0, [row | {"method": method} for row in rows], {}, seconds=1.0)
    results = Results.read([tmp_path / "more"])
    assert [published(results, c, TUNED) for c in results.configurations] == [0.25, None, None]
    pairs = {(r.claim.better, r.claim.worse) for r in claim_results(results)}
    assert pairs == {("fido", "rise"), ("rise", "fido")}  # rise itself, not rise:samples=9
    store.write(1, 0, [row | {"method": "rise:cells=5"} for row in rows], {}, seconds=1.0)
    assert not claim_results(Results.read([tmp_path / "more"]))  # two methods match


def test_run_without_a_table_has_no_claims(paper_run) -> None:
    manifest = json.loads((paper_run / "run.json").read_text())
    del manifest["table"]
    (paper_run / "run.json").write_text(json.dumps(manifest))
    assert claim_results(Results.read([paper_run])) == []
