"""Runs: every row once, whatever is killed."""

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from unsee import InputError
from unsee.cli import main
from unsee.evaluation import paper_tables
from unsee.evaluation.plan import Plan
from unsee.evaluation.ray import Cluster, distribute
from unsee.evaluation.run import Run
from unsee.evaluation.store import Store
from unsee.evaluation.worker import classifier_of, framed
from unsee.registry import resolve
from unsee.reports.gallery import shown
from unsee.study import resolve_parts

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Ten photos with boxes, one of them broken, one of a class that is not there."""
    path = tmp_path_factory.mktemp("photos")
    g, entries = np.random.default_rng(0), []
    for number in range(10):
        name = f"{number}.png"
        Image.fromarray(g.integers(0, 255, (30, 40, 3), np.uint8)).save(path / name)
        entries.append({"file": name, "index": number % 5, "boxes": [[10, 8, 30, 24]]})
    (path / "3.png").write_bytes(b"broken")
    entries[6]["index"] = 77
    (path / "annotations.json").write_text(json.dumps(entries))
    return path


def plan(data_at, **settings) -> Plan:
    base = {
        "data": str(data_at), "classifiers": ("tests.toys:classifier",),
        "methods": ("rise:samples=40", "tide:steps=3,grid=6", "random"),
        "metrics": ("deletion", "insertion:protocol=\"igos\"", "localisation:alpha=0.6", "gini"),
        "batch": 2, "shard": 4,
    }  # fmt: skip
    return Plan(**{**base, **settings})


def done(asked, out) -> list[dict]:
    run = Run.begin(asked, out, threads=1)
    for _ in run.local():
        pass
    return run.store.read()


def same(rows, others) -> None:
    assert len(rows) == len(others)
    for row, other in zip(rows, others, strict=True):
        assert row.keys() == other.keys()
        for key, value in row.items():
            nan = isinstance(value, float) and math.isnan(value)
            assert value == other[key] or (nan and math.isnan(other[key])), (key, row, other)


@pytest.fixture(scope="module")
def undisturbed(data, tmp_path_factory):
    return done(plan(data), tmp_path_factory.mktemp("run") / "whole")


def test_every_photo_and_combination_has_a_row(undisturbed) -> None:
    assert len(undisturbed) == 30
    assert len({(row["photo"], row["method"]) for row in undisturbed}) == 30
    good = [row for row in undisturbed if row["error"] is None]
    assert len(good) == 24
    assert all(0 <= row["deletion"] <= 1 for row in good)
    assert {row["localisation:alpha=0.6"] for row in good} <= {0.0, 1.0}
    assert all(row["forwards"] == 40 for row in good if row["method"].startswith("rise"))
    bad = {row["photo"]: row["error"] for row in undisturbed if row["error"]}
    assert "not a photo" in bad["3.png"]
    assert "class 77" in bad["6.png"]
    assert [row["deletion"] for row in undisturbed if row["error"]] == [None] * 6


def test_rows_are_what_explain_and_a_metric_give(data, undisturbed) -> None:
    from unsee import Study, create, load

    row = next(r for r in undisturbed if r["photo"] == "4.png" and r["method"].startswith("tide"))
    study = Study.of(
        load("tests.toys:classifier"), str(data / "4.png"),
        create("methods", "tide", steps=3, grid=6), targets=4,
    )  # fmt: skip
    for _ in study.steps():
        pass
    rated = create("metrics", "deletion").rate(study.score, study.explanation.saliency)
    assert row["deletion"] == pytest.approx(rated.item(), abs=1e-4)
    assert row["target"] == 4


def test_a_run_that_stopped_goes_on(data, undisturbed, tmp_path) -> None:
    out = tmp_path / "run"
    run = Run.begin(plan(data), out, threads=1)
    steps = run.local()
    for _ in range(4):
        next(steps)
    steps.close()
    assert len(run.missing()) == 5
    (run.store.rows / ".0001-000001.abc.unfinished").write_bytes(b"half")
    again = Run.begin(plan(data), out, threads=1)
    assert len(again.missing()) == 5
    same(done(plan(data), out), undisturbed)
    again.finish()
    assert not list(out.rglob(".*"))


def test_shards_and_limits_change_no_row(data, undisturbed, tmp_path) -> None:
    rows = done(plan(data, shard=3, limit=6), tmp_path / "run")
    first = {f"{number}.png" for number in range(6)}
    wanted = [row for row in undisturbed if row["photo"] in first]
    for row, other in zip(rows, wanted, strict=True):
        assert row["photo"] == other["photo"]
        for key in ("deletion", "gini"):
            assert row[key] == pytest.approx(other[key], abs=2e-3, nan_ok=True)


def command(data, out, *more):
    asked = plan(data)
    return [
        sys.executable, "-m", "unsee", "evaluate", "--data", asked.data,
        "--classifiers", *asked.classifiers, "--methods", *asked.methods,
        "--metrics", *asked.metrics, "--batch", "2", "--shard", "4", "--threads", "1",
        "--out", str(out), *more,
    ]  # fmt: skip


def test_killed_at_random_moments_and_resumed(data, undisturbed, tmp_path) -> None:
    out, g = tmp_path / "run", np.random.default_rng(1)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    kills = 0
    while kills < 5:
        process = subprocess.Popen(
            command(data, out), cwd=ROOT, env=environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        deadline, seen = time.monotonic() + 60, len(list(out.glob("rows/[0-9]*")))
        while process.poll() is None and time.monotonic() < deadline:
            if len(list(out.glob("rows/[0-9]*"))) > seen:
                time.sleep(g.uniform(0, 0.05))
                break
            time.sleep(0.005)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.wait()
        if len(list(out.glob("rows/[0-9]*"))) == 9:
            break
    assert kills >= 2
    finished = subprocess.run(command(data, out), cwd=ROOT, env=environment, capture_output=True)
    assert finished.returncode == 1, finished.stderr  # two photos are bad
    same(Store(out).read(), undisturbed)
    assert not list(out.rglob(".*"))


def test_ray_gives_the_same_rows_and_replaces_a_dead_worker(
    data, undisturbed, tmp_path, monkeypatch
) -> None:
    pytest.importorskip("ray")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    import ray

    run = Run.begin(plan(data), tmp_path / "run", threads=1)
    try:
        killed = False
        for _ in distribute(run, Cluster(workers=2, cpus=0.5)):
            if not killed:
                killed = _kill_a_worker()
        assert killed
    finally:
        ray.shutdown()
    assert run.missing() == []
    same(run.store.read(), undisturbed)


def test_a_worker_that_cannot_begin_is_told(data, tmp_path, monkeypatch) -> None:
    pytest.importorskip("ray")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    import ray

    hidden = tmp_path / "photos"
    shutil.copytree(data, hidden)
    run = Run.begin(plan(hidden), tmp_path / "run", threads=1)
    shutil.rmtree(hidden)  # as on a machine that does not see the data
    try:
        with pytest.raises(InputError, match=r"a worker could not begin.*no such data set"):
            list(distribute(run, Cluster(workers=1, cpus=0.5)))
    finally:
        ray.shutdown()


def test_the_photo_is_squeezed_where_that_is_asked(data, tmp_path) -> None:
    cut, whole = (
        done(
            plan(data, methods=("box",), metrics=("localisation",), fit=fit, limit=1),
            tmp_path / fit,
        )
        for fit in ("crop", "resize")
    )
    assert cut[0]["probability"] != whole[0]["probability"]
    classifier = classifier_of("tests.toys:classifier", 4, None, "float32", "resize")
    sample = Plan(data=str(data)).samples()[0]
    shown = framed(sample, plan(data), classifier)
    expected = torch.tensor([[10 * 24 / 40, 8 * 24 / 30, 30 * 24 / 40, 24 * 24 / 30]])
    torch.testing.assert_close(shown.truth.boxes, expected)


def _kill_a_worker() -> bool:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            name = (folder / "cmdline").read_text()
        except OSError:
            continue
        if "ray::_Worker" in name:
            os.kill(int(folder.name), signal.SIGKILL)
            return True
    return False


def test_other_settings_are_refused_and_nothing_is_lost(data, tmp_path) -> None:
    out = tmp_path / "run"
    Run.begin(plan(data), out, threads=1)
    with pytest.raises(InputError, match="seed: 0 there, 1 now"):
        Run.begin(plan(data, seed=1), out)
    with pytest.raises(InputError, match="limit: None there, 5 now"):
        Run.begin(plan(data, limit=5), out)
    with pytest.raises(InputError, match="fit: None there, resize now"):
        Run.begin(plan(data, fit="resize"), out)
    with pytest.raises(InputError, match="precision: float32 there"):
        Run.begin(plan(data), out, precision="bfloat16")
    moved = tmp_path / "moved"
    shutil.copytree(data, moved)
    Run.begin(plan(moved), tmp_path / "moved-run")
    entries = json.loads((moved / "annotations.json").read_text())
    entries[0]["index"] = 4
    (moved / "annotations.json").write_text(json.dumps(entries))
    with pytest.raises(InputError, match="a run with other annotations"):
        Run.begin(plan(moved), tmp_path / "moved-run")
    manifest = json.loads((out / "run.json").read_text())
    manifest["versions"]["torch"] = "1.0"
    (out / "run.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match=r"other versions \(torch: 1.0 there"):
        Run.begin(plan(data), out)
    other = tmp_path / "other"
    other.mkdir()
    (other / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="is no run"):
        Run.begin(plan(data), other)
    with pytest.raises(InputError, match="no run"):
        Store(tmp_path / "nowhere").manifest()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"methods": ("fidoo",)}, "did you mean 'fido'"),
        ({"methods": ("rise:sample=4",)}, "did you mean 'samples'"),
        ({"methods": ("rise:samples",)}, "expected NAME:setting=value"),
        ({"methods": ("recipe:fido",)}, "did you mean"),
        ({"metrics": ("deletions",)}, "did you mean 'deletion'"),
        ({"metrics": ()}, "at least one of metrics"),
        ({"infillers": ("gray",)}, "did you mean 'grey'"),
        ({"budget": "fats"}, "did you mean 'fast'"),
        ({"measure": "odds"}, "measure"),
        ({"shard": 0}, "shard >= 1"),
        ({"classifiers": ()}, "at least one of classifiers"),
        ({"methods": ("random", "random")}, "duplicate method 'random'"),
        ({"data": "nowhere"}, "no such data set"),
    ],
)
def test_bad_settings_are_refused_before_anything_is_loaded(data, tmp_path, settings, words):
    with pytest.raises(InputError, match=words):
        Run.begin(plan(data, **settings), tmp_path / "run")
    assert not (tmp_path / "run").exists()


KINDS = {
    'limit = "5"': "limit: expected a number, got '5'",
    "batch = 2.5": "batch: expected int, got 2.5",
    'methods = "rise"': "methods: expected a list of words, got 'rise'",
    "methods = [1]": "methods: expected a list of words, got (1,)",
    "measure = 3": "measure: expected a word, got 3",
    'fit = "cut"': "fit of Evaluate",
    'target = "best"': "target of Evaluate",
    "claims = [1]": "expected a claim as a table of TOML, got 1",
}
"""What a TOML file may hold, and what is said. Outside of the tests nothing checks types."""


def test_values_of_another_kind_are_refused(data, tmp_path) -> None:
    code = (
        "import sys; from unsee.cli import main\n"
        "for path in sys.argv[2:]: print(main(['evaluate', '--plan', path, '--data', sys.argv[1],"
        " '--classifiers', 'tests.toys:classifier', '--out', path + '-run']))"
    )
    paths = [tmp_path / f"{number}.toml" for number in range(len(KINDS))]
    for path, content in zip(paths, KINDS, strict=True):
        path.write_text(content)
    done_ = subprocess.run(
        [sys.executable, "-c", code, str(data), *map(str, paths)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done_.stdout.split() == ["2"] * len(KINDS)
    for line, words in zip(done_.stderr.splitlines(), KINDS.values(), strict=True):
        assert words in line


def test_parts_by_name_setting_or_recipe() -> None:
    assert resolve("methods", "rise:samples=40,cells=5").samples == 40
    assert resolve("methods", "fido:mode=sdr").mode == "sdr"
    method, infiller, measure = resolve_parts("recipe:fido-ssr", "own")
    assert (method.steps, type(infiller).__name__) == (300, "Local")
    assert measure.__name__ == "log_odds"
    _, infiller, _ = resolve_parts("recipe:fido-ssr", "blur:sigma=10")
    assert infiller.sigma == 10


def test_a_plan_from_a_file_with_flags_over_it(data, tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    path = tmp_path / "plan.toml"
    path.write_text(
        f'data = "{data}"\nclassifiers = ["tests.toys:classifier"]\n'
        'methods = ["random"]\nmetrics = ["gini"]\nlimit = 3\n'
    )
    assert main(["evaluate", "--plan", str(path), "--out", str(tmp_path / "a")]) == 0
    assert len(Store(tmp_path / "a").read()) == 3
    arguments = ["evaluate", "--plan", str(path), "--limit", "5", "--out", str(tmp_path / "b")]
    assert main(arguments) == 1
    assert len(Store(tmp_path / "b").read()) == 5
    assert "3.png" in capsys.readouterr().err
    path.write_text("methodes = []")
    with pytest.raises(InputError, match="did you mean 'methods'"):
        paper_tables.load(str(path))


def test_jobs_that_share_a_folder_do_a_part_each(data, tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    arguments = [
        "evaluate", "--data", str(data), "--classifiers", "tests.toys:classifier", "--methods",
        "random", "box", "--metrics", "gini", "--shard", "2", "--limit", "3", "--out",
        str(tmp_path / "run"), "--part",
    ]  # fmt: skip
    stray = tmp_path / "run" / "rows" / ".another.unfinished"
    assert main([*arguments, "2/2"]) == 0
    rows = Store(tmp_path / "run").read()
    assert [(row["method"], row["photo"]) for row in rows] == [
        ("random", "2.png"), ("box", "0.png"), ("box", "1.png"),
    ]  # fmt: skip
    stray.touch()  # another job is writing
    assert main([*arguments, "2/2"]) == 0
    assert stray.exists()
    assert main([*arguments, "1/2"]) == 0
    assert not stray.exists()
    assert len(Store(tmp_path / "run").read()) == 6
    for bad in ("3/2", "0/2", "a", "1/0"):
        assert main([*arguments, bad]) == 2
        assert "expected NUMBER/COUNT" in capsys.readouterr().err


def test_maps_are_kept_where_they_are_wanted(data, tmp_path) -> None:
    done(plan(data, methods=("random",), save_maps=True, limit=4), tmp_path / "run")
    (path,) = (tmp_path / "run" / "maps").iterdir()
    with np.load(path) as maps:
        assert sorted(maps) == ["0.png", "1.png", "2.png"]
        assert maps["0.png"].shape == (24, 24)


def test_a_report_shows_maps_that_were_kept(data, tmp_path) -> None:
    run, out = tmp_path / "run", tmp_path / "report"
    done(plan(data, methods=("random", "box"), save_maps=True, shard=2), run)
    found = shown([run])
    assert len(found) == 6
    ways = [tuple(way) for way in plan(data, methods=("random", "box")).combinations()]
    assert all(list(one.maps) == ways for one in found)
    centre = found[0].maps[ways[1]]
    assert centre[12, 12] > centre[0, 0]
    assert main(["report", str(run), "--out", str(out)]) == 0
    assert "<h2>The first photos and their maps</h2>" in (out / "report.html").read_text()
    assert "![The first photos and their maps](maps.png)" in (out / "report.md").read_text()
    assert (out / "maps.png").exists()
    both, two = tmp_path / "both", ("tests.toys:classifier", "tests.toys:corner")
    done(plan(data, methods=("box",), classifiers=two, save_maps=True, limit=2), both)
    assert all({way[0] for way in one.maps} == {two[0]} for one in shown([both]))
    moved = tmp_path / "moved"
    done(plan(data, methods=("random",), shard=2), moved)
    assert shown([moved]) == []


def test_what_is_not_installed_is_said_before_anything_is_loaded(
    data, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr("unsee.methods.base.find_spec", lambda name: None)
    with pytest.raises(InputError, match="needs captum: python -m pip install captum"):
        Run.begin(plan(data, methods=("integrated_gradients",)), tmp_path / "run")
    assert not (tmp_path / "run").exists()
