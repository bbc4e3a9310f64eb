"""The command `unsee evaluate`."""

import pytest

from tests.evaluation.runs import ROOT
from unsee import InputError
from unsee.cli import main
from unsee.evaluation import paper_tables
from unsee.evaluation.store import Store


def test_flags_override_a_plan_file(data, tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    path = tmp_path / "plan.toml"
    path.write_text(
        f'data = "{data}"\nclassifiers = ["tests.toys:classifier"]\n'
        'methods = ["random"]\nmetrics = ["gini"]\nlimit = 3\nsubset = "first"\n'
    )
    arguments = ["evaluate", "--plan", str(path), "--trust"]
    assert main([*arguments, "--out", str(tmp_path / "a")]) == 0
    assert len(Store(tmp_path / "a").read()) == 3
    assert main([*arguments, "--limit", "5", "--out", str(tmp_path / "b")]) == 1
    assert len(Store(tmp_path / "b").read()) == 5
    assert "3.png" in capsys.readouterr().err
    path.write_text("methodes = []")
    with pytest.raises(InputError, match="did you mean 'methods'"):
        paper_tables.load(str(path))


def test_processes_that_share_a_folder_compute_parts(data, tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    arguments = [
        "evaluate", "--data", str(data), "--classifiers", "tests.toys:classifier", "--methods",
        "random", "box", "--metrics", "gini", "--shard", "2", "--limit", "3",
        "--subset", "first", "--out",
        str(tmp_path / "run"), "--part",
    ]  # fmt: skip
    hidden = tmp_path / "run" / "rows" / ".another.unfinished"
    assert main([*arguments, "2/2"]) == 0
    rows = Store(tmp_path / "run").read()
    assert [(row["method"], row["photo"]) for row in rows] == [
        ("random", "2.png"), ("box", "0.png"), ("box", "1.png"),
    ]  # fmt: skip
    hidden.touch()
    assert main([*arguments, "2/2"]) == 0
    assert main([*arguments, "1/2"]) == 0
    assert hidden.exists()  # it is the user's
    assert len(Store(tmp_path / "run").read()) == 6
    for bad in ("3/2", "0/2", "a", "1/0"):
        assert main([*arguments, bad]) == 2
        assert "expected NUMBER/COUNT" in capsys.readouterr().err


def test_what_the_data_set_leaves_out_is_reported_once_and_stored(
    data, tmp_path, capsys, monkeypatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    for name in ("ant", "bee", "cat"):
        (tmp_path / "data" / name).mkdir(parents=True)
    for name in ("ant", "cat"):
        (tmp_path / "data" / name / "1.png").write_bytes((data / "0.png").read_bytes())
    (tmp_path / "data" / "cat" / "2.heic").touch()
    arguments = [
        "evaluate", "--data", f"image_folder:{tmp_path / 'data'},numbering=alphabetical",
        "--classifiers", "tests.toys:classifier", "--methods", "random", "--metrics", "gini",
        "--out", str(tmp_path / "run"),
    ]  # fmt: skip
    assert main(arguments) == 0
    errors = capsys.readouterr().err
    assert errors.count("classes without photos: bee") == 1
    assert errors.count("left out 1 files") == 1
    assert len(Store(tmp_path / "run").manifest()["notes"]) == 2
