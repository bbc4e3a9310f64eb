"""`unsee explain`: exit status, output and the result folder."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from tests.cli.conftest import MODEL, QUICK, errors_of
from unsee import Explanation
from unsee.classifiers.determinism import CHUNK
from unsee.cli import main


def test_result_folder_holds_map_pictures_and_manifest(photo, tmp_path, capsys) -> None:
    out = tmp_path / "out"
    assert main(["explain", str(photo), *QUICK, "--out", str(out), "--seed", "3"]) == 0
    folder = out / "dog"
    assert {p.name for p in folder.iterdir()} == {
        "saliency.npz", "overlay.png", "kept.png", "removed.png", "panel.png", "manifest.json",
        "report.html",
    }  # fmt: skip
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["method"]["samples"] == 70
    assert manifest["infiller"]["name"] == "grey"
    assert manifest["target"]["name"] == str(manifest["target"]["index"])
    assert set(manifest["probability"]) == {"original", "kept", "removed", "infilled"}
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


def test_same_command_gives_same_map(photo, tmp_path) -> None:
    for out in ("a", "b"):
        assert main(["explain", str(photo), *QUICK, "--out", str(tmp_path / out)]) == 0
    first, second = (Explanation.load(tmp_path / out / "dog").saliency for out in "ab")
    assert (first == second).all()


def test_deterministic_result_is_the_same_on_any_number_of_threads(photo, tmp_path) -> None:
    manifests, maps = [], []
    for count in (1, 2):
        out = tmp_path / str(count)
        torch.set_num_threads(count)
        try:
            command = ["explain", str(photo), *QUICK, "--deterministic", "--out", str(out)]
            assert main(command) == 0
        finally:
            torch.set_num_threads(1)
        manifests.append(json.loads((out / "dog" / "manifest.json").read_text()))
        maps.append(Explanation.load(out / "dog").saliency)
    assert torch.equal(*maps)
    assert all(manifest["deterministic"] for manifest in manifests)
    assert manifests[0]["classifier"]["chunk"] == {"forward": CHUNK}
    for key in ("probability", "area"):
        assert manifests[0][key] == manifests[1][key]


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
    lines = [line for line in errors_of(errors) if line.startswith("unsee:")]
    assert len(lines) == 3
    for name in ("empty.png", "zz.jpg", "nowhere.png"):
        assert sum(name in line for line in lines) == 1
    assert "Traceback" not in errors


def test_results_are_overwritten_only_on_request(photo, tmp_path, capsys) -> None:
    out = str(tmp_path / "out")
    command = ["explain", str(photo), *QUICK, "--out", out]
    assert main(command) == 0
    before = (tmp_path / "out" / "dog" / "manifest.json").read_text()
    assert main(command) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert (tmp_path / "out" / "dog" / "manifest.json").read_text() == before
    assert main([*command, "--overwrite", "--seed", "9"]) == 0
    assert (tmp_path / "out" / "dog" / "manifest.json").read_text() != before


def test_full_disk_stops_and_keeps_finished_results(photo, tmp_path, capsys, monkeypatch) -> None:
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
        (["--method", "recipe:fido"], "did you mean 'fido-"),
        (["--method", "rise:samples=0"], "samples > 0"),
        (["--method", "rise:samples=x"], "expected samples = int, got 'x'"),
        (["--infiller", "gray"], "did you mean 'grey'"),
        (["--picture-infiller", "gray"], "did you mean 'grey'"),
        (["--measure", "probabilty"], "did you mean 'probability'"),
        (["--classifier", "efficientnet_lite7"], "did you mean 'efficientnet_lite"),
        (["--classifier", "resnet50"], "'torchvision:resnet50' or 'timm:resnet50'"),
        (["--target", "espreso"], "did you mean 'espresso'"),
        (["--target", "cat"], "'tabby cat' or 'tiger cat'"),
        (["--target", "4000"], "not in 0..999"),
        (["--size", "big"], "HEIGHTxWIDTH"),
        (["--device", "cuda:77"], "cannot use device"),
        (["--device", "gpu"], "expected cpu, cuda, cuda:1 or mps; did you mean 'cuda'?"),
        (["--top", "15"], "between 0 and 1"),
        (["--top", "much"], "could not convert"),
        (["--repeats", "0"], "at least 1"),
        (["--budget", "fats"], "did you mean 'fast'"),
        (["--steps", "100"], "settings of a part are given with its name"),
        (["--fit", "cut"], "crop"),
    ],
)
def test_misuse_is_one_clear_line(photo, tmp_path, capsys, arguments, words) -> None:
    status = main(["explain", str(photo), "--out", str(tmp_path / "out"), *arguments])
    errors = capsys.readouterr().err
    assert status != 0
    (line,) = [line for line in errors.splitlines() if line.strip()]
    assert words in line
    assert not (tmp_path / "out").exists()


def test_out_must_not_be_a_file(photo, capsys) -> None:
    assert main(["explain", str(photo), *QUICK, "--out", str(photo)]) == 2
    assert "expected a folder" in capsys.readouterr().err


def test_recipe_settings_can_be_overridden(photo, tmp_path) -> None:
    command = ["explain", str(photo), "--classifier", MODEL, "--out", str(tmp_path / "out")]
    method = "recipe:fido-sdr:steps=3,grid=8"
    assert main([*command, "--method", method, "--infiller", "local:window=5"]) == 0
    manifest = json.loads((tmp_path / "out" / "dog" / "manifest.json").read_text())
    assert manifest["method"]["mode"] == "sdr"
    assert manifest["method"]["ramp"] == 30
    assert manifest["method"]["steps"] == 3
    assert manifest["infiller"] == {"name": "local", "window": 5}
    assert manifest["measure"] == "log_odds"


def test_picture_infiller_is_used_in_pictures_only(photo, tmp_path) -> None:
    command = ["explain", str(photo), *QUICK, "--out", str(tmp_path / "out")]
    assert main([*command, "--picture-infiller", "blur:sigma=3"]) == 0
    manifest = json.loads((tmp_path / "out" / "dog" / "manifest.json").read_text())
    assert manifest["infiller"]["name"] == "grey"
    assert manifest["evidence"]["infiller"] == {"name": "blur", "sigma": 3.0, "kernel": 51}


def test_repeats_give_a_deviation(photo, tmp_path) -> None:
    out = tmp_path / "out"
    assert main(["explain", str(photo), *QUICK, "--repeats", "3", "--out", str(out)]) == 0
    explanation = Explanation.load(out / "dog")
    assert explanation.deviation.shape == (1, 32, 32)
    assert explanation.deviation.min() > 0
    assert explanation.provenance["cost"]["forwards"] == 210
    assert explanation.provenance["repeats"] == 3


def test_contrast_sets_the_measure(photo, tmp_path, capsys) -> None:
    command = ["explain", str(photo), *QUICK, "--out", str(tmp_path / "out"), "--target", "1"]
    assert main([*command, "--contrast", "3"]) == 0
    manifest = json.loads((tmp_path / "out" / "dog" / "manifest.json").read_text())
    assert manifest["measure"] == "margin over class 3"
    assert main([*command, "--contrast", "3", "--measure", "logit"]) == 2
    assert "omit --measure logit" in capsys.readouterr().err


def test_contrast_overrides_the_measure_of_a_recipe(photo, tmp_path) -> None:
    command = ["explain", str(photo), "--classifier", MODEL, "--out", str(tmp_path / "out")]
    method = ["--method", "recipe:fido-sdr:steps=2,grid=8"]
    assert main([*command, *method, "--target", "1", "--contrast", "2"]) == 0


def test_files_that_are_no_photos_are_counted(photo, tmp_path, capsys) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "a.png").write_bytes(photo.read_bytes())
    (folder / "b.heic").touch()
    assert main(["explain", str(folder), *QUICK, "--out", str(tmp_path / "out")]) == 0
    assert (
        "left out 1 files that are no photos by their suffix (.heic: 1)" in capsys.readouterr().err
    )


def test_a_class_near_chance_is_noted_everywhere(photo, tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    out = tmp_path / "out"
    assert main(["explain", str(photo), *QUICK, "--target", "4", "--out", str(out)]) == 0
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert line.startswith(f"unsee: {photo}: no evidence found for '4': its probability in the")
    assert "--measure log_odds" in line
    note = json.loads((out / "dog" / "manifest.json").read_text())["note"]
    assert line.endswith(note)
    assert "4 (no evidence)" in captured.out
    assert Explanation.load(out / "dog").notes == [note]


def test_repeats_state_how_much_the_map_varies(photo, tmp_path, capsys) -> None:
    out = tmp_path / "out"
    assert main(["explain", str(photo), *QUICK, "--repeats", "2", "--out", str(out)]) == 0
    manifest = json.loads((out / "dog" / "manifest.json").read_text())
    printed = capsys.readouterr().out
    assert f"{manifest['variation']['rank_correlation']:.2f}" in printed
    assert "agreement" in printed
    assert main(["explain", str(photo), *QUICK, "--out", str(tmp_path / "once")]) == 0
    assert "agreement" not in capsys.readouterr().out


def test_notes_of_a_comparison_are_printed_once(photo, tmp_path, capsys) -> None:
    command = ["compare", str(photo), "--classifier", MODEL, "--target", "4"]
    command += ["--methods", "rise:samples=20", "rise:samples=10", "--out", str(tmp_path / "out")]
    assert main(command) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("unsee: rise:samples=20 and 1 more: no evidence found for '4'")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert ["--measure log_odds" in one["note"][0] for one in manifest["maps"]] == [True, True]
