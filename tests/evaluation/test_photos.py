"""Which photos a run takes: random, stratified, the first, or those that are answered rightly."""

import json
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from tests.conftest import toy
from tests.evaluation.runs import assert_same_rows, make_plan, run_plan
from unsee import InputError
from unsee.cli import main
from unsee.datasets.base import Sample, Samples
from unsee.evaluation import photos
from unsee.evaluation.plan import Plan
from unsee.evaluation.recognition import Recognition
from unsee.evaluation.run import Run
from unsee.evaluation.store import Store
from unsee.reports.results import Results

HERE = "tests.evaluation.test_photos"
COLOURS, HELD_BACK = f"{HERE}:colours", f"{HERE}:held_back"
CHEAP = {"methods": ("random",), "metrics": ("gini",), "shard": 2, "subset": "random"}


class Colours(nn.Module):
    """Answers the brightest channel; the logit of class 2 may be lowered."""

    def __init__(self, lower: float = 0.0) -> None:
        super().__init__()
        self.register_buffer("lower", torch.tensor([0.0, 0.0, lower]))

    def forward(self, x):
        return 10 * x.mean((2, 3)) - self.lower


def colours():
    return toy(Colours(), size=8)


def held_back():
    """Never answers class 2."""
    return toy(Colours(100.0), size=8)


def labels():
    """One label for each channel that is brighter than 0.4."""
    return toy(Colours(), size=8, outputs="sigmoid")


def values():
    return toy(Colours(), size=8, outputs="regression")


def write(folder, answers, targets, start=0):
    """Write photos of these classes with these labels; a class of None is a broken file."""
    folder.mkdir(exist_ok=True)
    path = folder / "annotations.json"
    entries = json.loads(path.read_text()) if path.exists() else []
    for number, (answer, target) in enumerate(zip(answers, targets, strict=True), start):
        name = f"{number:02}.png"
        if answer is None:
            (folder / name).write_bytes(b"broken")
        else:
            pixels = np.full((8, 8, 3), 30, np.uint8)
            pixels[..., answer] = 220
            Image.fromarray(pixels).save(folder / name)
        entries.append({"file": name} | ({} if target is None else {"index": target}))
    path.write_text(json.dumps(entries))
    return folder


@pytest.fixture
def mixed(tmp_path):
    """Of twelve photos 2 and 7 have wrong labels, 4 is broken, 9 has no class."""
    answers = [0, 1, 2, 0, None, 2, 0, 1, 2, 0, 1, 2]
    targets = [0, 1, 0, 0, 1, 2, 0, 2, 2, None, 1, 2]
    return write(tmp_path / "photos", answers, targets)


def samples_of(targets) -> Samples:
    return Samples(Sample(f"{n}.png", lambda _: None, target) for n, target in enumerate(targets))


def plan_of(data, **settings) -> Plan:
    return make_plan(data, **{"classifiers": (COLOURS,), **CHEAP, **settings})


def ids(samples) -> list[str]:
    return [sample.id for sample in samples]


def selected(plan, samples) -> list[str]:
    return ids(photos.select(plan, samples, lambda _: ()).samples)


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
    order = ids(photos.ordered(plan, samples))
    assert ids(photos.ordered(plan, some)) == [name for name in order if name in ids(some)]
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


def test_only_photos_that_every_classifier_answers_rightly(mixed, tmp_path) -> None:
    run = Run.begin(plan_of(mixed, correct=True), tmp_path / "one")
    assert ids(run.samples) == [f"{n:02}.png" for n in (0, 1, 3, 5, 6, 8, 10, 11)]
    (note,) = run.samples.notes
    assert "8 of 12 photos are answered rightly by tests.evaluation.test_photos:colours" in note
    assert "2 with another answer; 1 without a class; 1 that cannot be read" in note
    assert "04.png" in note
    plan = plan_of(mixed, correct=True, classifiers=(COLOURS, HELD_BACK), limit=4)
    rows = run_plan(plan, tmp_path / "two")
    assert {row["target"] for row in rows} <= {0, 1}
    assert [row["predicted"] for row in rows] == [row["target"] for row in rows]
    assert len({row["photo"] for row in rows}) == 4
    choice = Store(tmp_path / "two").info().choice
    assert choice.tried == 4 + choice.wrong + choice.failed + choice.unlabelled
    (run,) = Results.read([tmp_path / "two"]).runs
    expected = (
        f"4 random photos of 12 of photos that {COLOURS} and {HELD_BACK} answer rightly "
        f"({choice.tried} tried, seed 0)"
    )
    assert expected in str(run)


@pytest.mark.parametrize("subset", ["random", "stratified", "first"])
@pytest.mark.parametrize("chunk", [1, 5])
def test_right_photos_are_those_of_the_order_of_the_choice(mixed, tmp_path, subset, chunk) -> None:
    plan = plan_of(mixed, correct=True, limit=5, subset=subset)
    run = Run.begin(plan, tmp_path / "run", chunk=chunk)
    right = {f"{n:02}.png" for n in (0, 1, 3, 5, 6, 8, 10, 11)}
    order = [name for name in ids(photos.ordered(plan, plan.samples())) if name in right]
    assert ids(run.samples) == order[:5]
    last = ids(photos.ordered(plan, plan.samples())).index(order[4])
    assert run.store.info().choice.tried == last + 1


def test_watch_sees_each_photo_that_is_tried(mixed, tmp_path) -> None:
    seen = []

    def watch(trials):
        for trial in trials:
            seen.append(trial)
            yield trial

    run = Run.begin(plan_of(mixed, correct=True, limit=3), tmp_path / "run", watch=watch)
    assert len(seen) == run.store.info().choice.tried
    assert seen[-1].outcome == "right"


@pytest.mark.skipif(torch.cuda.is_available(), reason="is about machines without CUDA")
def test_photos_of_a_run_of_other_machines_are_classified_here(mixed) -> None:
    plan = plan_of(mixed, correct=True)
    trials = list(Recognition(plan, 16, "cuda", "float32")(plan.samples()))
    assert [trial.outcome for trial in trials].count("right") == 8


def test_labels_count_as_right_where_they_are_predicted(tmp_path) -> None:
    folder = write(tmp_path / "photos", [0, 1, 2, 0], [0, 1, 0, 1])
    plan = plan_of(folder, classifiers=(f"{HERE}:labels",), correct=True)
    assert ids(Run.begin(plan, tmp_path / "run").samples) == ["00.png", "01.png"]


def refuse(*_arguments):
    raise AssertionError("classified again")


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


def test_the_first_of_two_processes_decides_on_the_photos(mixed, tmp_path) -> None:
    plan, others = plan_of(mixed, correct=True, limit=3), []

    def begin_another(trials):
        trials = list(trials)
        if not others:
            others.append(None)
            later = [trial for trial in trials if trial.outcome == "right"][1:]
            others.append(Run.begin(plan, tmp_path / "run", watch=lambda _: iter(later)))
        yield from trials

    run = Run.begin(plan, tmp_path / "run", watch=begin_another)
    assert ids(run.samples) == ids(others[1].samples)
    alone = Run.begin(plan, tmp_path / "alone")
    assert ids(alone.samples) != ids(run.samples)


def test_photo_of_the_list_that_is_missing_is_named(mixed, tmp_path) -> None:
    plan = plan_of(mixed, limit=3, subset="first")
    Run.begin(plan, tmp_path / "run")
    entries = json.loads((mixed / "annotations.json").read_text())
    (mixed / "annotations.json").write_text(json.dumps(entries[:1] + entries[2:]))
    with pytest.raises(InputError, match=r"lacks 1 of the 3 photos of the run .*first is 01\.png"):
        Run.begin(plan, tmp_path / "run")


def test_without_a_right_photo_nothing_begins(tmp_path) -> None:
    folder = write(tmp_path / "photos", [0, 1, None], [1, 2, 0])
    expected = r"no photo is answered rightly by .*, of 3 that were tried; the mean probability of"
    with pytest.raises(InputError, match=expected):
        Run.begin(plan_of(folder, correct=True), tmp_path / "run")
    unlabelled = write(tmp_path / "others", [0, 1], [None, None])
    with pytest.raises(InputError, match=r"of 2 that were tried; none has a labelled class"):
        Run.begin(plan_of(unlabelled, correct=True), tmp_path / "run")
    broken = write(tmp_path / "broken", [None], [0])
    with pytest.raises(InputError, match=r"1 cannot be read or classified: 00\.png"):
        Run.begin(plan_of(broken, correct=True), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_fewer_right_photos_than_the_limit_are_noted(mixed, tmp_path) -> None:
    run = Run.begin(plan_of(mixed, correct=True, limit=10), tmp_path / "run")
    assert len(run.samples) == 8
    assert "fewer than the limit of 10" in run.samples.notes[0]


def test_answers_are_compared_with_labels_of_classes_only(mixed, tmp_path) -> None:
    with pytest.raises(InputError, match=r"set target=.*label.* or correct=False"):
        Run.begin(plan_of(mixed, correct=True, target="top1"), tmp_path / "run")
    plan = plan_of(mixed, correct=True, classifiers=(f"{HERE}:values",))
    with pytest.raises(InputError, match="correct needs a probability, and a regression"):
        Run.begin(plan, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def as_of_an_earlier_version(folder) -> None:
    """Remove from the manifest what earlier versions did not write."""
    manifest = json.loads((folder / "run.json").read_text())
    for key in ("photo_ids", "choice"):
        del manifest[key]
    for key in ("subset", "correct"):
        del manifest["settings"][key]
    (folder / "run.json").write_text(json.dumps(manifest))


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


def test_runs_of_the_right_photos_of_other_classifiers_are_comparable(mixed, tmp_path) -> None:
    for name, classifier in (("a", COLOURS), ("b", HELD_BACK)):
        run_plan(plan_of(mixed, correct=True, classifiers=(classifier,)), tmp_path / name)
    results = Results.read([tmp_path / "a", tmp_path / "b"])
    assert [run.photos for run in results.runs] == [8, 6]


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
