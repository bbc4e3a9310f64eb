"""`--cells` in every command that explains, and in plans."""

import json

import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import MODEL, QUICK
from tests.evaluation.runs import make_plan, run_plan
from unsee import Explanation, InputError
from unsee.cli import main
from unsee.evaluation import part_files
from unsee.evaluation.run import Run
from unsee.evaluation.store import MANIFEST


@pytest.fixture
def label_map(tmp_path):
    """A label map as large as the photo: a cross that divides it into four."""
    rows, columns = np.mgrid[:60, :90]
    path = tmp_path / "map.png"
    Image.fromarray(np.uint8(2 * (rows >= 30) + (columns >= 45))).save(path)
    return path


def test_explain_takes_segments_and_says_so(photo, tmp_path) -> None:
    out = tmp_path / "out"
    assert main(["explain", str(photo), *QUICK, "--out", str(out), "--cells", "slic:n=9"]) == 0
    manifest = json.loads((out / "dog" / "manifest.json").read_text())
    assert manifest["cells"] == {"name": "slic", "n": 9, "compactness": 10.0, "sigma": 1.0}
    assert manifest["segments"][0] <= 9
    assert manifest["method"]["cells"] == 3
    assert len(Explanation.load(out / "dog").saliency.unique()) == manifest["segments"][0]


def test_several_photos_with_one_label_map_are_noted(photo, label_map, tmp_path, capsys) -> None:
    second = photo.with_name("cat.png")
    second.write_bytes(photo.read_bytes())
    command = ["explain", str(photo), str(second), *QUICK, "--out", str(tmp_path / "out")]
    assert main([*command, "--cells", f"labels:{label_map}"]) == 0
    assert f"all 2 photos have the segments of labels:{label_map}" in capsys.readouterr().err
    assert main([*command, "--cells", "slic:n=9", "--overwrite"]) == 0
    assert "segments of" not in capsys.readouterr().err


def test_a_label_map_of_the_photo_is_framed_with_it(photo, label_map, tmp_path) -> None:
    out, cells = tmp_path / "out", f"labels:{label_map}"
    assert main(["explain", str(photo), *QUICK, "--out", str(out), "--cells", cells]) == 0
    (saliency,) = Explanation.load(out / "dog").saliency
    assert len(saliency.unique()) == 4
    assert all(len(part.unique()) == 1 for part in (saliency[:16, :16], saliency[16:, 16:]))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--cells", "sliq"], "did you mean 'slic'"),
        (["--cells", "slic:n=1"], "slic: expected n = 2 to 2500 segments, got 1"),
        (["--cells", "labels"], "expected the path of a label map, labels:PATH"),
        (["--cells", "labels:none.png"], "none.png: no such label map"),
        (["--cells", "slic", "--method", "sliding_patch"], "sliding_patch has no cells for slic"),
        (["--cells", "slic", "--method", "tide:grid=7"], "tide: grid=7 is for the grid"),
    ],
)
def test_cells_that_cannot_be_used_are_refused_first(photo, tmp_path, capsys, words, message):
    command = ["explain", str(photo), "--classifier", MODEL, "--out", str(tmp_path / "out")]
    assert main([*command, "--method", "rise:samples=8", *words]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_label_map_of_another_size_fails_its_photo(photo, tmp_path, capsys) -> None:
    np.save(tmp_path / "map.npy", np.arange(4).reshape(2, 2))
    cells = f"labels:{tmp_path / 'map.npy'}"
    command = ["explain", str(photo), *QUICK, "--out", str(tmp_path / "out"), "--cells", cells]
    assert main(command) == 1
    assert "expected a label map of 90 x 60 or 32 x 32 pixels" in capsys.readouterr().err


def test_compare_takes_segments(photo, tmp_path) -> None:
    out = tmp_path / "out"
    command = ["compare", str(photo), "--classifier", MODEL, "--out", str(out)]
    methods = ["rise:samples=8", "lime:samples=8", "random"]
    assert main([*command, "--cells", "slic:n=9", "--methods", *methods]) == 0
    for part in json.loads((out / "manifest.json").read_text())["maps"]:
        assert part["cells"]["name"] == "slic"
    with np.load(out / "maps.npz") as maps:
        assert all(len(np.unique(values)) <= 9 for values in maps.values())


def test_sweep_takes_segments_but_no_setting_that_they_replace(photo, tmp_path, capsys) -> None:
    out = tmp_path / "out"
    command = ["sweep", str(photo), "--classifier", MODEL, "--out", str(out), "--cells", "slic:n=9"]
    options = ["--method", "mp2", "--measure", "logit", "--budget", "5", "--setting"]
    assert main([*command, *options, "cells=1,2"]) == 0
    methods = [part["method"] for part in json.loads((out / "manifest.json").read_text())["maps"]]
    assert [(method["grid"], method["cells"]) for method in methods] == [(3, 1), (3, 2)]
    assert main([*command, "--overwrite", *options, "grid=4,28"]) == 2
    assert "--setting grid: --cells slic:n=9 replaces it" in capsys.readouterr().err


def test_sanity_keeps_the_segments(photo, label_map, tmp_path) -> None:
    command = ["sanity", str(photo), *QUICK, "--out", str(tmp_path / "out"), "--layers", "1"]
    assert main([*command, "--cells", f"labels:{label_map}"]) == 0
    with np.load(tmp_path / "out" / "maps.npz") as maps:
        saliency = maps["maps"].reshape(-1, 32, 32)
    assert [len(np.unique(values)) for values in saliency] == [4, 4]


@pytest.fixture
def data(tmp_path):
    """Two photos of equal size with annotations."""
    g = np.random.default_rng(0)
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(2):
        picture = g.integers(0, 255, (6, 9, 3), np.uint8).repeat(10, 0).repeat(10, 1)
        Image.fromarray(picture).save(folder / f"{number}.png")
    entries = [{"file": f"{number}.png", "index": number} for number in range(2)]
    (folder / "annotations.json").write_text(json.dumps(entries))
    return folder


SEGMENTED = {
    "methods": ("rise:samples=8", "lime:samples=8"), "metrics": ("gini", "deletion"),
    "save_maps": True,
}  # fmt: skip


def test_a_run_takes_segments_in_any_batch(data, label_map, tmp_path) -> None:
    for cells, count in (("slic:n=9", 9), (f"labels:{label_map}", 4)):
        runs = [tmp_path / f"{count}-{batch}" for batch in (1, 2)]
        rows = [
            run_plan(make_plan(data, **SEGMENTED, cells=cells, batch=batch), run)
            for batch, run in zip((1, 2), runs, strict=True)
        ]
        assert all(row["error"] is None for row in rows[0])
        keys = ("photo", "method")
        assert [[r[k] for k in keys] for r in rows[0]] == [[r[k] for k in keys] for r in rows[1]]
        for one, other in zip(*rows, strict=True):
            assert one["gini"] == pytest.approx(other["gini"], abs=1e-4)
        settings = json.loads((runs[0] / MANIFEST).read_text())["settings"]
        assert settings["cells"] == cells


def test_a_plan_refuses_methods_without_cells_and_other_cells(data, tmp_path) -> None:
    with pytest.raises(InputError, match="box has no cells for slic"):
        make_plan(data, methods=("rise", "box"), cells="slic").check()
    with pytest.raises(InputError, match="did you mean 'slic'"):
        make_plan(data, methods=("rise",), cells="slik").check()
    plan = make_plan(data, **SEGMENTED)
    Run.begin(plan, tmp_path / "run")
    with pytest.raises(InputError, match="cells: was None, now slic"):
        Run.begin(make_plan(data, **SEGMENTED, cells="slic"), tmp_path / "run")


def test_a_run_of_an_earlier_version_goes_on(data, tmp_path) -> None:
    plan, path = make_plan(data, **SEGMENTED), tmp_path / "run" / MANIFEST
    Run.begin(plan, tmp_path / "run")
    manifest = json.loads(path.read_text())
    del manifest["settings"]["cells"]
    path.write_text(json.dumps(manifest))
    assert Run.begin(plan, tmp_path / "run").missing()


def test_a_label_map_that_was_replaced_is_noticed(data, label_map, tmp_path) -> None:
    plan = make_plan(data, **SEGMENTED, cells=f"labels:{label_map}")
    Run.begin(plan, tmp_path / "run")
    assert str(label_map) in part_files.digests(plan)
    Image.fromarray(np.zeros((60, 90), np.uint8)).save(label_map)
    with pytest.raises(InputError, match=r"map\.png"):
        Run.begin(plan, tmp_path / "run")


def test_a_toml_plan_names_cells(data, tmp_path) -> None:
    (tmp_path / "plan.toml").write_text('cells = "slic:n=9"\nmethods = ["rise:samples=8"]\n')
    command = ["evaluate", "--plan", str(tmp_path / "plan.toml"), "--data", str(data)]
    out = tmp_path / "run"
    assert main([*command, "--classifier", MODEL, "--metrics", "gini", "--out", str(out)]) == 0
    assert json.loads((out / MANIFEST).read_text())["settings"]["cells"] == "slic:n=9"
