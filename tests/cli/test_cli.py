"""The command line as a person uses it: exit status, what is printed, what lies in the folder."""

import json
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import Convolutional, toy
from unsee import Explanation, available
from unsee.cli import main
from unsee.cli.explain import Explain
from unsee.cli.list import KINDS
from unsee.cli.sweep import Sweep
from unsee.recipes import recipe, recipes
from unsee.registry import part, settings_of

MODEL = "tests.cli.test_cli:tiny"
QUICK = ["--classifier", MODEL, "--method", "rise", "--samples", "70"]

ROOT = Path(__file__).parents[2]


def tiny():
    return toy(Convolutional())


@pytest.fixture
def photo(tmp_path):
    g = np.random.default_rng(0)
    path = tmp_path / "in" / "dog.png"
    path.parent.mkdir()
    Image.fromarray(g.integers(0, 255, (60, 90, 3), np.uint8)).save(path)
    return path


def test_a_photo_becomes_a_folder(photo, tmp_path, capsys) -> None:
    out = tmp_path / "out"
    assert main(["explain", str(photo), *QUICK, "--out", str(out), "--seed", "3"]) == 0
    folder = out / "dog"
    assert {p.name for p in folder.iterdir()} == {
        "saliency.npz", "overlay.png", "kept.png", "removed.png", "panel.png", "manifest.json",
    }  # fmt: skip
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["method"]["samples"] == 70
    assert manifest["infiller"]["name"] == "grey"
    assert manifest["target"]["name"] == str(manifest["target"]["index"])
    assert set(manifest["probability"]) == {"original", "kept", "removed"}
    assert set(manifest["area"]) == {"rise", "igos", "igos-released"}
    assert set(manifest["area"]["rise"]) == {"deletion", "insertion"}
    assert manifest["cost"]["forwards"] == 70
    assert manifest["seed"] == 3
    assert len(manifest["input"]["sha256"]) == 64
    with np.load(folder / "saliency.npz") as arrays:
        assert arrays["model"].shape == (1, 32, 32)
        assert arrays["photo"].shape == (60, 90)
    sizes = {}
    for name in ("overlay", "removed", "panel"):
        with Image.open(folder / f"{name}.png") as picture:
            sizes[name] = picture.size
    assert sizes["overlay"] == (90, 60)
    assert sizes["removed"] == (32, 32)
    assert sizes["panel"][0] > 1200
    loaded = Explanation.load(folder)
    assert loaded.saliency.shape == (1, 32, 32)
    assert loaded.provenance["seed"] == 3
    assert "dog" in capsys.readouterr().out


def test_the_same_run_gives_the_same_map(photo, tmp_path) -> None:
    for out in ("a", "b"):
        assert main(["explain", str(photo), *QUICK, "--out", str(tmp_path / out)]) == 0
    first, second = (Explanation.load(tmp_path / out / "dog").saliency for out in "ab")
    assert (first == second).all()


def test_bad_photos_are_reported_and_the_rest_explained(photo, tmp_path, capsys) -> None:
    (photo.parent / "empty.png").write_bytes(b"")
    (photo.parent / "zz.jpg").write_text("no photo")
    Image.open(photo).save(photo.with_suffix(".jpg"))
    out = tmp_path / "out"
    status = main(["explain", str(photo.parent), str(tmp_path / "nowhere.png"), *QUICK,
                   "--out", str(out)])  # fmt: skip
    errors = capsys.readouterr().err
    assert status == 1
    assert sorted(p.name for p in out.iterdir()) == ["dog", "dog-2"]
    lines = [line for line in errors.splitlines() if line.startswith("unsee:")]
    assert len(lines) == 3
    for name in ("empty.png", "zz.jpg", "nowhere.png"):
        assert sum(name in line for line in lines) == 1
    assert "Traceback" not in errors


def test_results_are_not_overwritten_unasked(photo, tmp_path, capsys) -> None:
    out = str(tmp_path / "out")
    command = ["explain", str(photo), *QUICK, "--out", out]
    assert main(command) == 0
    before = (tmp_path / "out" / "dog" / "manifest.json").read_text()
    assert main(command) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert (tmp_path / "out" / "dog" / "manifest.json").read_text() == before
    assert main([*command, "--overwrite", "--seed", "9"]) == 0
    assert (tmp_path / "out" / "dog" / "manifest.json").read_text() != before


def test_a_full_disk_stops_and_keeps(photo, tmp_path, capsys, monkeypatch) -> None:
    Image.open(photo).save(photo.parent / "ant.png")
    Image.open(photo).save(photo.parent / "bee.png")
    written = []

    def save(path, pixels):
        if path.name == "kept.png":
            written.append(path)
        if len(written) == 2:
            raise OSError(28, "No space left on device")
        path.write_bytes(b"x")

    monkeypatch.setattr("unsee.images.drawing.save_png", save)
    out = tmp_path / "out"
    assert main(["explain", str(photo.parent), *QUICK, "--out", str(out)]) == 1
    errors = capsys.readouterr().err
    assert "No space left" in errors
    assert "1 results are kept" in errors
    assert [p.name for p in out.iterdir()] == ["ant"]
    assert (out / "ant" / "manifest.json").is_file()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--method", "ryse"], "did you mean 'rise'"),
        (["--infiller", "gray"], "did you mean 'grey'"),
        (["--judge", "gray"], "did you mean 'grey'"),
        (["--measure", "probabilty"], "did you mean 'probability'"),
        (["--recipe", "fido"], "did you mean 'fido-s"),
        (["--classifier", "efficientnet_lite7"], "did you mean 'efficientnet_lite"),
        (["--target", "espreso"], "did you mean 'espresso'"),
        (["--target", "4000"], "not in 0..999"),
        (["--size", "big"], "HEIGHTxWIDTH"),
        (["--method", "rise", "--samples", "0"], "samples > 0"),
        (["--device", "cuda:77"], "cannot use device"),
        (["--top", "1.5", "--method", "rise", "--samples", "3"], "between 0 and 1"),
    ],
)
def test_misuse_is_one_clear_line(photo, tmp_path, capsys, arguments, words) -> None:
    status = main(["explain", str(photo), "--out", str(tmp_path / "out"), *arguments])
    errors = capsys.readouterr().err
    assert status != 0
    (line,) = [line for line in errors.splitlines() if line.strip()]
    assert words in line
    assert not (tmp_path / "out").exists()


def test_wrong_commands_and_empty_folders(tmp_path, capsys) -> None:
    assert main(["explian", "x.jpg"]) == 2
    assert "did you mean 'explain'" in capsys.readouterr().err
    assert main(["explain", str(tmp_path)]) == 2
    assert "no photos" in capsys.readouterr().err
    assert main(["explain"]) == 2
    assert "at least one photo" in capsys.readouterr().err


@pytest.mark.parametrize("kind", KINDS)
def test_list(kind, capsys) -> None:
    assert main(["list", kind, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert all(set(entry) == {"name", "summary"} and entry["summary"] for entry in found)
    if kind in {"methods", "infillers", "metrics"}:
        assert [entry["name"] for entry in found] == available(kind)
    assert main(["list", kind]) == 0
    assert found[0]["name"].split(":")[0] in capsys.readouterr().out
    assert main(["list", "methdos"]) == 2


@pytest.mark.parametrize("name", available("methods"))
def test_a_methods_settings_are_in_its_help(name, capsys) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["explain", "--method", name, "--help"])
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    for field in fields(part("methods", name)):
        assert f"--{field.name.replace('_', '-')}" in text


@pytest.mark.parametrize("name", available("methods"))
def test_settings_of_methods_do_not_collide_with_the_commands(name) -> None:
    commands = (*fields(Explain), *fields(Sweep))
    own = {field.name for field in commands} | {"infiller", "classifier"}
    assert not own & {field.name for field in fields(part("methods", name))}


@pytest.mark.parametrize("name", recipes())
def test_recipes_make_their_parts(name, photo, tmp_path) -> None:
    published = recipe(name)
    method, infiller, measure = published.parts()
    assert published.summary
    plain = {k: tuple(v) if isinstance(v, list) else v for k, v in published.method.items()}
    assert plain.items() <= settings_of(method).items()
    assert published.infiller.items() <= settings_of(infiller).items()
    assert measure == method.traits.measure


def test_a_recipe_on_the_command_line_can_be_overridden(photo, tmp_path) -> None:
    command = ["explain", str(photo), "--classifier", MODEL, "--out", str(tmp_path / "out")]
    changes = ["--recipe", "fido-sdr", "--steps", "3", "--grid", "8", "--infiller.window", "5"]
    assert main([*command, *changes]) == 0
    manifest = json.loads((tmp_path / "out" / "dog" / "manifest.json").read_text())
    assert manifest["method"]["mode"] == "sdr"
    assert manifest["method"]["ramp"] == 30
    assert manifest["method"]["steps"] == 3
    assert manifest["infiller"] == {"name": "local", "window": 5}
    assert manifest["measure"] == "log_odds"


def test_lists_show_brackets_as_they_are(capsys) -> None:
    assert main(["list", "methods"]) == 0
    assert "E[score(m) m]" in " ".join(capsys.readouterr().out.split())


def test_several_runs_show_where_they_disagree(photo, tmp_path) -> None:
    out = tmp_path / "out"
    assert main(["explain", str(photo), *QUICK, "--repeats", "3", "--out", str(out)]) == 0
    explanation = Explanation.load(out / "dog")
    assert explanation.deviation.shape == (1, 32, 32)
    assert explanation.deviation.min() > 0
    assert explanation.provenance["cost"]["forwards"] == 210
    assert explanation.provenance["repeats"] == 3


def test_a_rival_makes_it_a_margin(photo, tmp_path, capsys) -> None:
    command = ["explain", str(photo), *QUICK, "--out", str(tmp_path / "out"), "--target", "1"]
    assert main([*command, "--contrast", "3"]) == 0
    manifest = json.loads((tmp_path / "out" / "dog" / "manifest.json").read_text())
    assert manifest["measure"] == "margin over class 3"
    assert main([*command, "--contrast", "3", "--measure", "logit"]) == 2
    assert "leave --measure logit out" in capsys.readouterr().err


def test_as_a_program(photo, tmp_path) -> None:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "unsee", "explain", str(photo), *QUICK]
    done = subprocess.run(
        [*command, "--out", str(tmp_path / "out")],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    version = subprocess.run(
        [sys.executable, "-m", "unsee", "--version"], capture_output=True, text=True, check=True
    )
    assert version.stdout.startswith("unsee 0")


def test_floor_times_the_bare_network_and_methods(capsys, monkeypatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    arguments = [
        "bench", "--classifier", "tests.toys:classifier", "--methods", "rise", "gradient",
        "--budget", "8", "--chunks", "1", "2", "--rounds", "1", "--batch", "2",
        "--seconds", "0.01",
    ]  # fmt: skip
    assert main(arguments) == 0
    out = capsys.readouterr().out
    for word in ("milliseconds an image", "bfloat16", "overhead", "rise", "gradient"):
        assert word in out
    assert main([*arguments, "--also", "int8"]) == 2
    assert "expected float32, bfloat16, float16, got 'int8'" in capsys.readouterr().err
