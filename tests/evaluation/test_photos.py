"""Which photos a run takes, and that it goes on with them."""

import json
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from tests.evaluation.colours import (
    COLOURS,
    as_of_an_earlier_version,
    ids,
    plan_of,
    refuse,
    samples_of,
    selected,
    write,
)
from tests.evaluation.runs import assert_same_rows, run_plan
from unsee import InputError
from unsee.cli import main
from unsee.evaluation import photos
from unsee.evaluation.plan import Plan
from unsee.evaluation.recognition import Recognition
from unsee.evaluation.run import Run
from unsee.evaluation.store import Store
from unsee.reports.results import Results


@pytest.mark.parametrize("subset", ["random", "stratified"])
def test_choice_depends_on_the_ids_of_the_photos_only(subset) -> None:
    plan, samples = Plan(data="d", limit=5, subset=subset), samples_of([0, 1, 2, None] * 5)
    shuffled = samples.part(samples[i] for i in np.random.default_rng(0).permutation(20))
    assert selected(plan, shuffled) == selected(plan, samples)
    other_seed = Plan(data="d", limit=5, subset=subset, seed=1)
    assert selected(other_seed, samples) != selected(plan, samples)


def test_random_choice_keeps_its_order_when_there_are_more_photos() -> None:
    plan, samples = Plan(data="d", limit=1), samples_of([0, 1, 2] * 10)
    some = samples[::3]
    order = ids(photos.ordered(samples, plan.subset, plan.seed))
    assert ids(photos.ordered(some, plan.subset, plan.seed)) == [
        name for name in order if name in ids(some)
    ]
    assert order != ids(samples)


@pytest.mark.parametrize("subset", ["random", "stratified", "first"])
def test_more_photos_contain_the_fewer(subset) -> None:
    samples = samples_of([0, 0, 0, 1, 1, 2, None])
    all_ = [selected(Plan(data="d", limit=n, subset=subset), samples) for n in range(1, 8)]
    for fewer, more in pairwise(all_):
        assert more[: len(fewer)] == fewer
    assert sorted(all_[-1]) == sorted(ids(samples))


def test_stratified_photos_are_spread_over_the_classes() -> None:
    targets = [0] * 10 + [1] * 4 + [2] + [None] * 2
    samples = samples_of(targets)
    by_id = {sample.id: sample.target for sample in samples}

    def counts(limit):
        names = selected(Plan(data="d", limit=limit, subset="stratified"), samples)
        return Counter(by_id[name] for name in names)

    assert counts(3) == {0: 1, 1: 1, 2: 1}
    assert counts(5) == {0: 2, 1: 2, 2: 1}
    assert counts(15) == {0: 10, 1: 4, 2: 1}  # those without a class are last
    assert counts(17)[None] == 2
    seeds = [Plan(data="d", limit=1, subset="stratified", seed=seed) for seed in range(20)]
    assert len({by_id[selected(plan, samples)[0]] for plan in seeds}) == 3


def test_all_photos_are_in_the_order_of_the_data_set(mixed, tmp_path) -> None:
    run = Run.begin(plan_of(mixed), tmp_path / "run")
    assert ids(run.samples) == [f"{n:02}.png" for n in range(12)]
    assert run.store.info().photo_ids is None


def test_run_with_a_limit_lists_its_photos_and_shows_how_many(mixed, tmp_path) -> None:
    rows = run_plan(plan_of(mixed, limit=3, seed=1), tmp_path / "run")
    info = Store(tmp_path / "run").info()
    assert info.photo_ids == tuple(row["photo"] for row in rows)
    assert info.photo_ids == tuple(
        selected(plan_of(mixed, limit=3, seed=1), plan_of(mixed).samples())
    )
    assert info.choice.of == 12
    (run,) = Results.read([tmp_path / "run"]).runs
    assert "run: 3 random photos of 12 of photos (seed 1)" in str(run)


def test_run_goes_on_with_its_photos_when_others_are_added(mixed, tmp_path, monkeypatch) -> None:
    plan, out = plan_of(mixed, correct=True, limit=5), tmp_path / "run"
    rows = run_plan(plan, tmp_path / "whole")
    run = Run.begin(plan, out, threads=1)
    next(run.local())
    write(mixed, [0, 1, 2] * 10, [0, 1, 2] * 10, start=12)
    assert selected(plan_of(mixed, limit=5), plan.samples()) != list(run.store.info().photo_ids)
    monkeypatch.setattr(Recognition, "__call__", refuse)
    assert_same_rows(run_plan(plan, out), rows)


def test_other_processes_take_the_listed_photos(mixed, tmp_path, monkeypatch) -> None:
    plan = plan_of(mixed, correct=True, limit=5)
    rows = run_plan(plan, tmp_path / "whole")
    run = Run.begin(plan, tmp_path / "run", threads=1)
    write(mixed, [0, 1, 2] * 10, [0, 1, 2] * 10, start=12)
    monkeypatch.setattr(Recognition, "__call__", refuse)
    worker = Run.restore(**run.portable())  # as a worker of Ray does
    assert ids(worker.samples) == ids(run.samples)
    second = Run.begin(plan, tmp_path / "run", threads=1)
    done = [*second.local((2, 2)), *worker.local((1, 2))]
    assert len(done) == 3
    assert_same_rows(run.store.read(), rows)


def test_photo_of_the_list_that_is_missing_is_named(mixed, tmp_path) -> None:
    plan = plan_of(mixed, limit=3, subset="first")
    Run.begin(plan, tmp_path / "run")
    entries = json.loads((mixed / "annotations.json").read_text())
    (mixed / "annotations.json").write_text(json.dumps(entries[:1] + entries[2:]))
    with pytest.raises(InputError, match=r"lacks 1 of the 3 photos of the run .*first is 01\.png"):
        Run.begin(plan, tmp_path / "run")


def test_run_of_an_earlier_version_goes_on_with_the_first_photos(mixed, tmp_path) -> None:
    out = tmp_path / "run"
    run = Run.begin(plan_of(mixed, limit=4, subset="first"), out, threads=1)
    next(run.local())
    as_of_an_earlier_version(out)
    resumed = Run.begin(plan_of(mixed, limit=4), out, threads=1)  # the command of that version
    assert "begun by an earlier version" in resumed.samples.notes[-1]
    assert ids(Run.restore(**resumed.portable()).samples) == ids(resumed.samples)
    list(resumed.local())
    assert [row["photo"] for row in resumed.store.read()] == [
        "00.png",
        "01.png",
        "02.png",
        "03.png",
    ]
    assert Plan.of(resumed.store.manifest()["settings"]).subset == "first"
    (info,) = Results.read([out]).runs
    assert "run: the first 4 photos of photos;" in str(info)
    with pytest.raises(InputError, match="subset: was first, now stratified"):
        Run.begin(plan_of(mixed, limit=4, subset="stratified"), out)
    with pytest.raises(InputError, match="correct: was False, now True"):
        Run.begin(plan_of(mixed, limit=4, correct=True), out)


def test_whole_run_of_an_earlier_version_goes_on_without_a_word(mixed, tmp_path) -> None:
    run_plan(plan_of(mixed), tmp_path / "run")
    as_of_an_earlier_version(tmp_path / "run")
    assert Run.begin(plan_of(mixed), tmp_path / "run").samples.notes == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda ids: [ids[0], *ids[:-1]], "3 names, each once, got 3 with 2"),
        (lambda ids: ids[1:], "3 names, each once, got 2"),
        (lambda ids: [1, *ids[1:]], r"photo_ids\[0\] to be a text"),
        (lambda _: "0.png", "photo_ids to be a list"),
    ],
)
def test_list_of_photos_that_is_damaged_is_refused(mixed, tmp_path, change, message) -> None:
    out = tmp_path / "run"
    run_plan(plan_of(mixed, limit=3), out)
    manifest = json.loads((out / "run.json").read_text())
    manifest["photo_ids"] = change(manifest["photo_ids"])
    (out / "run.json").write_text(json.dumps(manifest))
    for read in (lambda: Run.begin(plan_of(mixed, limit=3), out), lambda: Results.read([out])):
        with pytest.raises(InputError, match=message):
            read()


def test_pictures_with_a_count_of_their_own_have_a_limit_too(tmp_path) -> None:
    folder = write(tmp_path / "photos", [0, 1, 2], [0, 1, 2])
    plan = plan_of(f"planted:{folder},mark=letter,count=6", limit=3)
    samples = plan.samples()
    few, more = (selected(plan_of(plan.data, limit=n), samples) for n in (3, 4))
    assert len(samples) == 6
    assert more[:3] == few


def test_options_of_the_command_line(mixed, tmp_path, capsys) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text('methods = ["random"]\nmetrics = ["gini"]\ncorrect = true\n')
    command = [
        "evaluate", "--plan", str(plan), "--data", str(mixed), "--classifier", COLOURS, "--limit",
        "6", "--out",
    ]  # fmt: skip
    assert main([*command, str(tmp_path / "a"), "--subset", "stratified"]) == 0
    assert "photos are answered rightly" in capsys.readouterr().err
    settings = Store(tmp_path / "a").info().settings
    assert (settings.correct, settings.subset) == (True, "stratified")
    assert main([*command, str(tmp_path / "b"), "--no-correct", "--subset", "first"]) == 1
    assert "04.png" in capsys.readouterr().err
    assert main([*command, str(tmp_path / "c"), "--target", "top1"]) == 2
    assert "--no-correct" in capsys.readouterr().err
    assert main(["report", str(tmp_path / "a"), "--out", str(tmp_path / "report")]) == 0
    text = (tmp_path / "report" / "report.md").read_text()
    assert "6 stratified random photos" in text
    assert "answers rightly" in text


def test_stages_of_an_earlier_version_go_on_with_the_first_photos(mixed, tmp_path, capsys) -> None:
    plan, out = tmp_path / "plan.toml", tmp_path / "out"
    plan.write_text('methods = ["random"]\nmetrics = ["gini"]\n[[stages]]\nname = "one"\n')
    command = ["evaluate", "--plan", str(plan), "--data", str(mixed), "--classifier", COLOURS]
    command += ["--limit", "3", "--out", str(out)]
    assert main([*command, "--subset", "first"]) == 0
    as_of_an_earlier_version(out / "one")
    rows = next((out / "one" / "rows").iterdir())
    rows.unlink()
    assert main(command) == 0
    assert "begun by an earlier version" in capsys.readouterr().err
    stored = [row["photo"] for row in Store(out / "one").read()]
    assert stored == ["00.png", "01.png", "02.png"]
    assert main([*command, "--subset", "stratified"]) == 2
    assert "stage one" in capsys.readouterr().err
    assert main([*command, "--correct", "--target", "top1"]) == 2
    assert "stage one: correct compares" in capsys.readouterr().err
