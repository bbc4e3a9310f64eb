"""Plans with stages: several runs by one command, each in its own folder."""

import json
import sys

import pytest

from tests.evaluation.runs import ROOT, assert_same_rows, make_plan, run_plan
from unsee import InputError
from unsee.cli import evaluate, main
from unsee.evaluation import paper_tables, stages
from unsee.evaluation.plan import Plan
from unsee.evaluation.run import Run
from unsee.evaluation.store import Store

COMMON = 'methods = ["random", "box"]\nmetrics = ["gini"]\nlimit = 3\nsubset = "first"\nshard = 2\n'
TWO = '[[stages]]\nname = "one"\n[[stages]]\nname = "two"\nmetrics = ["entropy"]\nlimit = 2\n'
TOY = ("--classifier", "tests.toys:classifier")


@pytest.fixture
def run(data, tmp_path, monkeypatch):
    """Evaluate the plan of a text; return the exit status."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))

    def evaluate_plan(text, *options, out="out", data=data):
        (tmp_path / "plan.toml").write_text(text)
        words = ("--plan", str(tmp_path / "plan.toml"), "--data", str(data))
        return main(["evaluate", *words, *TOY, "--out", str(tmp_path / out), *options])

    return evaluate_plan


def rows_of(folder):
    return Store(folder).read()


def test_each_stage_is_an_ordinary_run(run, data, tmp_path, capsys) -> None:
    assert run(COMMON + TWO) == 0
    settings = {"methods": ("random", "box"), "shard": 2, "batch": 4}
    for name, metric, limit in (("one", "gini", 3), ("two", "entropy", 2)):
        plan = make_plan(data, metrics=(metric,), limit=limit, **settings)
        assert_same_rows(rows_of(tmp_path / "out" / name), run_plan(plan, tmp_path / name))
    assert "unsee report" in capsys.readouterr().out
    info = stages.read(tmp_path / "out")
    assert [stage.name for stage in info.stages] == ["one", "two"]


def test_single_stages_are_computed_one_after_the_other(run, tmp_path, capsys) -> None:
    assert run(COMMON + TWO, out="whole") == 0
    assert run(COMMON + TWO, "--stages", "two") == 0
    assert not (tmp_path / "out" / "one").exists()
    assert [stage.name for stage in stages.read(tmp_path / "out").stages] == ["one", "two"]
    assert main(["report", str(tmp_path / "out"), "--out", str(tmp_path / "report")]) == 0
    assert "stage one: no run" in (tmp_path / "report" / "report.md").read_text()
    assert run(COMMON + TWO, "--stages", "one", "two") == 0
    for name in ("one", "two"):
        assert_same_rows(rows_of(tmp_path / "out" / name), rows_of(tmp_path / "whole" / name))


def test_unknown_stages_and_stages_of_a_plan_without_any_are_refused(run, tmp_path, capsys) -> None:
    assert run(COMMON + TWO, "--stages", "tow") == 2
    assert "unknown stage of the plan 'tow'" in capsys.readouterr().err
    assert run(COMMON, "--stages", "two") == 2
    assert "--stages: expected a plan with stages" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_interrupted_plan_resumes_and_loads_nothing_for_finished_stages(
    run, tmp_path, monkeypatch
) -> None:
    assert run(COMMON + TWO, out="whole") == 0
    compute, units = Run.compute, []

    def interrupted(self, unit):
        units.append(unit)
        if len(units) == 6:  # the second unit of the second stage
            raise KeyboardInterrupt
        compute(self, unit)

    with monkeypatch.context() as patch:
        patch.setattr(Run, "compute", interrupted)
        assert run(COMMON + TWO) == 130
    assert len(rows_of(tmp_path / "out" / "one")) == 6
    assert len(rows_of(tmp_path / "out" / "two")) == 2
    loaded = []
    monkeypatch.setattr(evaluate, "load_parts", lambda plan, *_: loaded.append(plan.metrics))
    assert run(COMMON + TWO) == 0
    assert loaded == [("entropy",)]
    for name in ("one", "two"):
        assert_same_rows(rows_of(tmp_path / "out" / name), rows_of(tmp_path / "whole" / name))


def test_a_stage_that_fails_does_not_end_the_others(run, tmp_path, capsys) -> None:
    broken = '[[stages]]\nname = "broken"\nclassifiers = ["file:none.pt,architecture=timm:x"]\n'
    assert run(COMMON + broken + TWO) == 1
    errors = capsys.readouterr().err
    assert "unsee: stage broken: none.pt: no such model file" in errors
    assert "1 of 3 stages failed: broken" in errors
    assert not (tmp_path / "out" / "broken").exists()
    assert len(rows_of(tmp_path / "out" / "one")) == 6
    mended = broken.replace("file:none.pt,architecture=timm:x", "tests.toys:grey")
    assert run(COMMON + mended + TWO, "--trust") == 0
    assert len(rows_of(tmp_path / "out" / "broken")) == 6


def test_nothing_is_left_where_all_stages_fail(run, tmp_path) -> None:
    broken = '[[stages]]\nname = "a"\nclassifiers = ["file:none.pt,architecture=timm:x"]\n'
    assert run(COMMON + broken) == 1
    assert not (tmp_path / "out").exists()


def test_an_empty_folder_of_the_user_stays_where_all_stages_fail(run, tmp_path) -> None:
    (tmp_path / "out").mkdir()
    broken = '[[stages]]\nname = "a"\nclassifiers = ["file:none.pt,architecture=timm:x"]\n'
    assert run(COMMON + broken) == 1
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs locks")
@pytest.mark.parametrize("first", [True, False])
def test_stages_that_another_process_shares_stay(tmp_path, first) -> None:
    parts = stages.stages_of([{"name": "a"}])
    shares = [stages.begin(tmp_path / "out", parts, {}) for _ in range(2)]
    shares[0 if first else 1].close()  # as after Ctrl-C
    assert stages.is_staged(tmp_path / "out")


def test_a_process_that_is_alone_leaves_no_stages(tmp_path) -> None:
    parts = stages.stages_of([{"name": "a"}])
    share, other = (stages.begin(tmp_path / "out", parts, {}) for _ in range(2))
    other.close()
    share.close()
    assert not (tmp_path / "out").exists()


def test_a_method_that_cannot_run_in_a_stage_is_noted(run, tmp_path, capsys) -> None:
    assert run(COMMON + TWO, "--methods", "random", "casm") == 0
    errors = capsys.readouterr().err
    assert "stage one: casm cannot run here (" in errors
    assert "0.png" not in errors
    assert sum(not row["error"] for row in rows_of(tmp_path / "out" / "one")) == 3
    assert run(COMMON + TWO, "--methods", "casm", out="other") == 1  # no method can


def test_a_photo_without_a_map_is_an_error_of_its_stage(run, capsys) -> None:
    assert run(COMMON + TWO, "--limit", "4") == 1  # the fourth photo is broken
    assert "3.png" in capsys.readouterr().err


def test_options_override_the_common_settings_and_not_those_of_a_stage(run, tmp_path) -> None:
    assert run(COMMON + TWO, "--limit", "1", "--seed", "7", "--methods", "box") == 0
    one, two = (Store(tmp_path / "out" / name).info() for name in ("one", "two"))
    assert (one.photos, two.photos) == (1, 1)  # stage two has a limit of 2
    assert one.settings.methods == two.settings.methods == ("box",)
    assert (one.settings.seed, two.settings.seed) == (7, 7)


def test_data_of_the_command_line_stands_for_a_word(run, data, tmp_path) -> None:
    stage = '[[stages]]\nname = "a"\ndata = "annotated:{data}"\n'
    assert run(COMMON + stage) == 0
    assert Store(tmp_path / "out" / "a").info().settings.data == f"annotated:{data}"


def test_reference_classifiers_go_to_the_stages_that_need_them(run, tmp_path, capsys) -> None:
    text = COMMON + TWO + '[[stages]]\nname = "other"\nmetrics = ["masked_accuracy"]\n'
    assert run(text) == 0
    assert (
        "stage other: left out: its metrics need --reference-classifiers" in capsys.readouterr().err
    )
    assert stages.read(tmp_path / "out").stages[2].note.startswith("left out")
    assert run(text, "--reference-classifiers", TOY[1]) == 0  # the others stay as they are
    settings = [
        json.loads((tmp_path / "out" / name / "run.json").read_text())["settings"]
        for name in ("one", "other")
    ]
    assert [s["reference_classifiers"] for s in settings] == [[], [TOY[1]]]


def test_processes_share_the_stages(run, tmp_path) -> None:
    assert run(COMMON + TWO, "--part", "2/2") == 0
    assert len(rows_of(tmp_path / "out" / "one")) == 3
    assert run(COMMON + TWO, "--part", "1/2") == 0
    assert len(rows_of(tmp_path / "out" / "one")) == 6
    assert len(rows_of(tmp_path / "out" / "two")) == 4


def test_folders_of_other_runs_are_refused(run, data, tmp_path, capsys) -> None:
    ordinary = COMMON.replace("limit = 3", "limit = 1")
    assert run(ordinary, out="ordinary") == 0
    assert run(COMMON + TWO, out="ordinary") == 2
    assert "is a run without stages; choose another folder" in capsys.readouterr().err
    assert run(COMMON + TWO) == 0
    assert run(ordinary) == 2
    assert "is not a run; choose another folder" in capsys.readouterr().err
    assert run(COMMON + TWO.replace("two", "three")) == 2
    assert "has stages that this plan has not (two)" in capsys.readouterr().err
    assert run(COMMON + TWO, "--seed", "1") == 2
    assert "stage one: " in (errors := capsys.readouterr().err)
    assert "seed: was 0, now 1" in errors
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note.txt").touch()
    assert run(COMMON + TWO, out="full") == 2
    assert "is not a folder of stages" in capsys.readouterr().err


COLUMN = 'columns = [{metric = "gini", label = "Gini", chance = 0.5}]'


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('["gini"]', '["entropy", "gini"]', "stage one: "),
        ("limit = 3", "limit = 2", "limit: was 3, now 2"),
        ("chance = 0.5", "chance = 0.9", "a plan with other columns in the stage one"),
        ('label = "Gini"', 'label = "Wrong"', "a plan with other columns in the stage one"),
        (COLUMN, "", "a plan with other columns in the stage one"),
        ('"Mine"', '"Of another"', "a plan with another table"),
        ('name = "two"', 'name = "new"', "has stages that this plan has not (two)"),
    ],
)
def test_a_refused_plan_leaves_the_labels_of_a_result(
    run, tmp_path, capsys, old, new, message
) -> None:
    text = 'summary = "Mine"\n' + COMMON + TWO.replace('"one"\n', f'"one"\n{COLUMN}\n')
    assert run(text) == 0
    before = (tmp_path / "out" / "stages.json").read_bytes()
    other = text.replace(old, new) + '[[stages]]\nname = "third"\n'
    assert other.count(new)
    assert run(other) == 2
    assert message in capsys.readouterr().err
    assert (tmp_path / "out" / "stages.json").read_bytes() == before
    assert not (tmp_path / "out" / "third").exists()


def test_a_plan_gets_further_stages(run, tmp_path) -> None:
    assert run(COMMON + TWO) == 0
    assert run(COMMON + TWO + '[[stages]]\nname = "third"\nlimit = 1\n') == 0
    assert [s.name for s in stages.read(tmp_path / "out").stages] == ["one", "two", "third"]
    assert len(rows_of(tmp_path / "out" / "third")) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('columns = []\n[[stages]]\nname = "a"\n', "columns belongs to a stage"),
        ('name = "x"\n[[stages]]\nname = "a"\n', "name belongs to a stage"),
        ('[[stages]]\nname = "a"\n[[stages]]\nname = "A"\n', "two stages are called"),
        ("[[stages]]\nlimit = 1\n", "stage: lacks name"),
        ('[[stages]]\nname = "a/b"\n', "a name of letters, digits"),
        ('[[stages]]\nname = ".."\n', "a name of letters, digits"),
        ('[[stages]]\nname = "con"\n', "a name of letters, digits"),
        ('[[stages]]\nname = ""\n', "a name of letters, digits"),
        ("[[stages]]\nname = 3\n", "expected name to be a text"),
        ('[[stages]]\nname = "a"\nlimits = 1\n', "did you mean 'limit'"),
        ('[[stages]]\nname = "a"\ntrust = true\n', "unknown setting of a stage 'trust'"),
        ("stages = 3\n", "expected stages to be a list"),
        ("stages = []\n", "expected stages to be a list"),
        ("stages = [1]\n", "expected a stage with a name"),
        ('[[stages]]\nname = "a"\ncolumns = [{metrics = "gini"}]\n', "did you mean 'metric'"),
        ('[[stages]]\nname = "a"\ncolumns = [{metric = "gini"}]\n', "lacks columns[0].label"),
        ('[[stages]]\nname = "a"\ncolumns = 3\n', "expected columns to be a list"),
        (
            '[[stages]]\nname = "a"\ncolumns = [{metric = "f1", label = "x"}]\n',
            "stage a: unknown metric",
        ),
        ('[[stages]]\nname = "a"\nlimit = "x"\n', "stage a: limit: expected a number"),
        ('[[stages]]\nname = "a"\nseed = -1\n', "--seed: expected 0 to"),
        ('[[stages]]\nname = "a"\nmetrics = [1]\n', "stage a: metrics: expected a list of words"),
        ('[[stages]]\nname = "a"\ndata = "voc:{data},color=1"\n', "unknown setting of voc"),
        ('[[stages]]\nname = "a"\ndata = "nowhere"\n', "stage a: nowhere: no such data set"),
        ('[[stages]]\nname = "a"\nclassifiers = ["efficientnet"]\n', "unknown classifier source"),
    ],
)
def test_a_wrong_plan_is_refused_before_the_first_stage(
    run, tmp_path, capsys, text, message
) -> None:
    good = "" if text.startswith("stages") else '[[stages]]\nname = "first"\n'
    head, stages_, rest = text.partition("[[stages]]")
    assert run(COMMON + head + good + stages_ + rest) == 2
    errors = capsys.readouterr().err
    assert message in errors
    assert errors.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_code_that_a_stage_names_needs_trust(run, capsys) -> None:
    stage = '[[stages]]\nname = "a"\nclassifiers = ["tests.toys:corner"]\n'
    assert run(COMMON + stage) == 2
    assert "names tests.toys:corner, which is code that would run" in capsys.readouterr().err
    stage = '[[stages]]\nname = "a"\nclassifiers = ["tests.toys{data}"]\n'
    assert run(COMMON + stage, data=":corner") == 2
    assert "names tests.toys:corner, which is code that would run" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("{data}", ""),
        ("factory:{data}", ""),
        ("file:a.pth,architecture={data}", ""),
        ("box", 'classifiers = ["{data}"]\n'),
    ],
)
def test_code_that_is_named_as_data_needs_trust(tmp_path, data, capsys, name, own) -> None:
    """The common classifiers take the data of the command line, too."""
    common = f'data = "tests.toys:corner"\nclassifiers = ["{name}"]\n' + COMMON
    stage = f'[[stages]]\nname = "a"\ndata = "{data}"\n{own}'
    (tmp_path / "plan.toml").write_text(common + stage)
    words = ["evaluate", "--plan", str(tmp_path / "plan.toml"), "--out", str(tmp_path / "out")]
    assert main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "tests.toys:corner, which is code that would run; set --trust" in line
    assert not (tmp_path / "out").exists()


def test_code_in_common_references_that_are_named_as_data_needs_trust(
    tmp_path, data, capsys
) -> None:
    common = 'data = "tests.toys:corner"\nreference_classifiers = ["{data}"]\n' + COMMON
    stage = f'[[stages]]\nname = "a"\ndata = "{data}"\nmetrics = ["masked_accuracy"]\n'
    (tmp_path / "plan.toml").write_text(common + stage)
    out = ("--out", str(tmp_path / "out"))
    assert main(["evaluate", "--plan", str(tmp_path / "plan.toml"), *TOY, *out]) == 2
    assert "names tests.toys:corner, which is code" in capsys.readouterr().err


def test_data_of_data_takes_the_settings_of_both(data, tmp_path) -> None:
    (stage,) = stages.stages_of([{"name": "a", "data": "mosaics:coco:{data},crowds=true,count=3"}])
    plan = stage.plan(Plan(data=str(data), methods=("box",), metrics=("gini",)))
    assert stage.check(plan) is stage
    (stage,) = stages.stages_of([{"name": "a", "data": "mosaics:coco:{data},color=1"}])
    with pytest.raises(InputError, match="unknown setting of coco 'color'"):
        stage.check(stage.plan(Plan(data=str(data), methods=("box",), metrics=("gini",))))


def test_damaged_manifests_are_refused(tmp_path) -> None:
    path = tmp_path / stages.MANIFEST
    for text, message in (
        ("{", "not JSON"),
        ("[]", "expected the stages of a plan"),
        ('{"format": 2, "stages": []}', "a run of format 2"),
        ('{"format": 1}', "lacks stages"),
        ('{"format": 1, "stages": [{"name": "../x"}]}', "a name of letters"),
        ('{"format": 1, "stages": [{"name": "a"}, {"name": "a"}]}', "two stages are called"),
    ):
        path.write_text(text)
        with pytest.raises(InputError, match=message):
            stages.read(tmp_path)


def test_plans_without_stages_have_none() -> None:
    assert paper_tables.load("fido-8").stages == ()
