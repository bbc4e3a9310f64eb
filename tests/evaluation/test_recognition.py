"""Runs of the photos that classifiers answer rightly."""

import pytest
import torch

from tests.evaluation.colours import COLOURS, HELD_BACK, LABELS, VALUES, ids, plan_of, write
from tests.evaluation.runs import run_plan
from unsee import InputError
from unsee.evaluation import photos
from unsee.evaluation.recognition import Recognition
from unsee.evaluation.run import Run
from unsee.evaluation.store import Store
from unsee.reports.results import Results


def test_only_photos_that_every_classifier_answers_rightly(mixed, tmp_path) -> None:
    run = Run.begin(plan_of(mixed, correct=True), tmp_path / "one")
    assert ids(run.samples) == [f"{n:02}.png" for n in (0, 1, 3, 5, 6, 8, 10, 11)]
    (note,) = run.samples.notes
    assert "8 of 12 photos are answered rightly by tests.evaluation.colours:colours" in note
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
    ordered = ids(photos.ordered(plan.samples(), plan.subset, plan.seed))
    order = [name for name in ordered if name in right]
    assert ids(run.samples) == order[:5]
    last = ordered.index(order[4])
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
    plan = plan_of(folder, classifiers=(LABELS,), correct=True)
    assert ids(Run.begin(plan, tmp_path / "run").samples) == ["00.png", "01.png"]


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
    plan = plan_of(mixed, correct=True, classifiers=(VALUES,))
    with pytest.raises(InputError, match="correct needs a probability, and a regression"):
        Run.begin(plan, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_runs_of_the_right_photos_of_other_classifiers_are_comparable(mixed, tmp_path) -> None:
    for name, classifier in (("a", COLOURS), ("b", HELD_BACK)):
        run_plan(plan_of(mixed, correct=True, classifiers=(classifier,)), tmp_path / name)
    results = Results.read([tmp_path / "a", tmp_path / "b"])
    assert [run.photos for run in results.runs] == [8, 6]
