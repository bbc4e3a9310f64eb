"""`unsee compare` and `unsee sweep`: pictures and tables of several explanations."""

import csv
import json

import numpy as np
import pytest
import torch
from PIL import Image

from tests.cli.conftest import MODEL, photo  # noqa: F401  # a fixture
from unsee.cli import main
from unsee.metrics._similarity import stability, stability_by_measure

FILES = {
    "comparison.png",
    "table.txt",
    "table.csv",
    "table.md",
    "maps.npz",
    "manifest.json",
    "comparison.html",
}


def rows(folder):
    with (folder / "table.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_compare_fills_the_grid(photo, tmp_path, capsys) -> None:
    out = tmp_path / "out"
    command = ["compare", str(photo), "--classifier", MODEL, "--out", str(out)]
    assert (
        main([*command, "--methods", "random", "box", "gradient", "--infillers", "grey", "blur"])
        == 0
    )
    assert {path.name for path in out.iterdir()} == FILES
    entries = rows(out)
    assert [(row["method"], row["infiller"]) for row in entries] == [
        (m, i) for m in ("random", "box", "gradient") for i in ("grey", "blur")
    ]
    for row in entries:
        assert 0 <= float(row["deletion"]) <= 1
        assert 0 <= float(row["area"]) <= 1
        assert int(row["backwards"]) == (row["method"] == "gradient")
        assert row["error"] == ""
    with np.load(out / "maps.npz") as maps:
        assert maps["gradient blur"].shape == (32, 32)
    with Image.open(out / "comparison.png") as picture:
        assert min(picture.size) > 300
    assert "deletion" in (out / "table.md").read_text()
    assert json.loads((out / "manifest.json").read_text())["maps"][0]["method"]["name"] == "random"
    assert main(command) == 2
    assert "exists already" in capsys.readouterr().err


def test_failed_configuration_does_not_stop_a_comparison(photo, tmp_path, capsys) -> None:
    out = tmp_path / "out"
    source = ["--classifier", "blackbox:tests.results.test_comparison:answer", "--out", str(out)]
    assert main(["compare", str(photo), *source, "--methods", "gradient", "random"]) == 1
    assert "needs gradients" in capsys.readouterr().err
    failed, done = rows(out)
    assert "needs gradients" in failed["error"]
    assert done["insertion"]


def answer(images):
    bright = images.mean((1, 2, 3))
    return np.stack([1 - bright, bright], 1)


def test_sweep_shows_every_value_and_seed(photo, tmp_path, capsys) -> None:
    out = tmp_path / "out"
    command = ["sweep", str(photo), "--classifier", MODEL, "--out", str(out)]
    options = ["--method", "rise:cells=4", "--setting", "samples=64,128", "--seeds", "2"]
    assert main([*command, *options]) == 0
    entries = rows(out)
    assert [row["value"] for row in entries] == ["samples=64"] * 2 + ["samples=128"] * 2
    assert [row["forwards"] for row in entries] == ["64", "64", "128", "128"]
    assert all(-1 <= float(row["stability"]) <= 1 for row in entries)
    printed = capsys.readouterr().out
    with np.load(out / "maps.npz") as file:
        maps = {name: torch.tensor(file[name])[None] for name in file.files}
    for row in entries:
        names = [f"{seed} {row['value']}" for seed in ("seed 0", "seed 1")]
        expected = stability_by_measure(torch.cat([maps[name] for name in names]))
        assert float(row["stability"]) == pytest.approx(expected["spearman"], abs=1e-3)
        assert float(row["stability_ssim"]) == pytest.approx(expected["ssim"], abs=1e-3)
        words = ", ".join(f"{name} {value:.3f}" for name, value in expected.items())
        assert (
            f"2 seeds at {row['value']}, higher is less sensitive to the seed: {words}" in printed
        )
    at_seed = [[maps[f"seed {n} samples={v}"] for v in (64, 128)] for n in (0, 1)]
    numbers = [stability_by_measure(torch.cat(pair)) for pair in at_seed]
    words = ", ".join(f"{k} {(numbers[0][k] + numbers[1][k]) / 2:.3f}" for k in numbers[0])
    assert f"all values at each seed, higher is less sensitive to samples: {words}" in printed
    assert {path.name for path in out.iterdir()} == FILES
    method = json.loads((out / "manifest.json").read_text())["maps"][0]["method"]
    assert method["cells"] == 4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--setting", "sample=1"], "did you mean 'samples'"),
        (["--setting", "samples=x"], "rise: expected samples = int, got 'x'"),
        (["--setting", "samples="], "expected NAME=VALUE"),
        (["--seeds", "0"], "at least 1"),
    ],
)
def test_sweep_refuses_invalid_settings(photo, tmp_path, capsys, arguments, words) -> None:
    command = ["sweep", str(photo), "--classifier", MODEL, "--method", "rise"]
    assert main([*command, *arguments, "--out", str(tmp_path / "out")]) == 2
    assert words in capsys.readouterr().err


def test_a_bad_value_is_reported_and_the_others_are_drawn(photo, tmp_path, capsys) -> None:
    out = tmp_path / "out"
    command = ["sweep", str(photo), "--classifier", MODEL, "--out", str(out)]
    assert main([*command, "--method", "rise:samples=64", "--setting", "cells=0,4"]) == 1
    assert "cells > 0" in capsys.readouterr().err
    assert [bool(row["error"]) for row in rows(out)] == [True, False]


def test_stability_is_the_mean_rank_correlation() -> None:
    from scipy.stats import spearmanr

    maps = torch.rand(3, 6, 5, generator=torch.Generator().manual_seed(0))
    pairs = [(0, 1), (0, 2), (1, 2)]
    expected = np.mean([spearmanr(maps[i].ravel(), maps[j].ravel()).statistic for i, j in pairs])
    assert stability(maps) == pytest.approx(expected, abs=1e-6)


def test_sweep_keeps_its_labels_in_the_table(photo, tmp_path) -> None:
    out = tmp_path / "out"
    command = ["sweep", str(photo), "--classifier", MODEL, "--method", "random", "--out", str(out)]
    assert main([*command, "--setting", "grid=2,3"]) == 0
    lines = (out / "table.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["value", "grid=2", "grid=3"]


@pytest.mark.parametrize("command", ["compare", "sweep"])
def test_unknown_measures_are_refused_before_loading(
    photo,
    tmp_path,
    capsys,
    command,
) -> None:
    out = tmp_path / "out"
    options = ["--classifier", MODEL, "--out", str(out), "--measure", "probabilty"]
    assert main([command, str(photo), *options]) == 2
    assert "did you mean 'probability'" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize("methods", [["gradient", "random"], ["gradient,random"]])
def test_failed_configuration_stays_in_its_column(photo, tmp_path, capsys, methods) -> None:
    source = ["--classifier", "blackbox:tests.results.test_comparison:answer"]
    out = ["--out", str(tmp_path / "out")]
    assert main(["compare", str(photo), *source, *out, "--methods", *methods]) == 1
    assert "unsee: gradient: Gradient needs" in capsys.readouterr().err
