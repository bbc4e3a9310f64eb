"""`unsee audit` on photos in which it is known what the classifier reads."""

import json

import numpy as np
import pytest
from PIL import Image

from tests.audits.conftest import SQUARE, scene
from unsee.cli import main

READER = "tests.audits.conftest:reader"
OPTIONS = [
    "--classifier", READER, "--method", "occlusion:patch=8,stride=4", "--infiller", "mean",
    "--share", str(SQUARE**2 / 48**2), "--budget", "200",
]  # fmt: skip


@pytest.fixture
def data(tmp_path):
    """Twelve photos with a red square and twelve without; the object is elsewhere."""
    folder, entries = tmp_path / "data", []
    folder.mkdir()
    for number in range(24):
        one = scene(number, "red" if number < 12 else None)
        pixels = (255 * one.image[0]).round().byte().permute(1, 2, 0).numpy()
        Image.fromarray(pixels).save(folder / f"{number:02}.png")
        outside = ~one.place.numpy()
        outside[:2] = False  # a mask must not cover the whole photo
        Image.fromarray(outside).save(folder / f"{number:02}-mask.png")
        name = f"{number:02}"
        entries.append(
            {"file": f"{name}.png", "index": int(number < 12), "mask": f"{name}-mask.png"}
        )
    (folder / "annotations.json").write_text(json.dumps(entries))
    return folder


def test_planted_shortcut_is_found_first_and_sets_the_status(data, tmp_path, capsys) -> None:
    out = tmp_path / "out"
    assert main(["audit", str(data), *OPTIONS, "--out", str(out), "--fail-on", "shortcut"]) == 1
    content = json.loads((out / "report" / "audit.json").read_text())
    first = content["findings"][0]
    assert first["verdict"] == "shortcut"
    shortcuts = [found for found in content["findings"] if found["verdict"] == "shortcut"]
    assert sum(found["photos"] for found in shortcuts) >= 9
    assert first["classes"][0]["class"] == 1
    assert first["removal"]["difference"]["low"] > 0.3
    assert first["transplant"]["difference"]["low"] > 0.3
    assert {"photo", "box", "class", "weight"} == set(first["regions"][0])
    page = (out / "report" / "audit.html").read_text()
    assert "1. Shortcut" in page
    assert page.count("data:image/png;base64,") >= 10
    assert page.count("with the region outlined") >= 2 * 3
    assert "http" not in page
    assert "shortcuts found" in capsys.readouterr().out


def test_audit_goes_on_with_its_maps_and_writes_the_same_again(data, tmp_path, capsys) -> None:
    out = tmp_path / "out"
    words = ["audit", str(data), *OPTIONS, "--out", str(out)]
    assert main(words) == 0
    first = (out / "report" / "audit.json").read_bytes()
    maps = sorted((out / "maps").rglob("*.npz"))
    maps[0].unlink()
    rows = out / "maps" / "rows" / f"{maps[0].stem}.parquet"
    rows.unlink(missing_ok=True)
    capsys.readouterr()
    assert main([*words, "--json"]) == 0
    assert (out / "report" / "audit.json").read_bytes() == first
    content = json.loads(capsys.readouterr().out)
    assert content.pop("results") == [str(out / "report" / "audit.html")]
    assert len(content.pop("conclusions")) == 1
    assert content == json.loads(first)


def test_maps_of_a_cluster_give_the_same_audit(data, tmp_path) -> None:
    ray = pytest.importorskip("ray")
    reports = []
    try:
        for engine in ("local", "ray"):
            words = ["audit", str(data), *OPTIONS, "--out", str(tmp_path / engine)]
            assert main([*words, "--engine", engine, "--workers", "1"]) == 0
            reports.append(json.loads((tmp_path / engine / "report" / "audit.json").read_text()))
    finally:
        ray.shutdown()
    assert reports[0] == reports[1]


def test_unlabelled_photos_have_causes_and_no_shortcuts(data, tmp_path) -> None:
    (data / "annotations.json").unlink()
    for mask in data.glob("*-mask.png"):
        mask.unlink()
    out = tmp_path / "out"
    words = ["audit", str(data), *OPTIONS, "--out", str(out)]
    assert main([*words, "--fail-on", "shortcut"]) == 0
    content = json.loads((out / "report" / "audit.json").read_text())
    assert content["findings"][0]["verdict"] == "cause"
    assert content["findings"][0]["share_on_objects"] is None
    assert main([*words, "--fail-on", "cause"]) == 1


def test_photo_that_cannot_be_read_is_left_out_and_said(data, tmp_path, capsys) -> None:
    (data / "00.png").write_bytes(b"no picture")
    out = tmp_path / "out"
    assert main(["audit", str(data), *OPTIONS, "--out", str(out)]) == 1
    content = json.loads((out / "report" / "audit.json").read_text())
    assert content["photos"] == 23
    assert "00.png" in capsys.readouterr().err
    assert "1 photos could not be explained" in (out / "report" / "audit.html").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--share", "1.5"], "--share: expected a share between 0 and 1"),
        (["--least", "1"], "--least: expected at least 2"),
        (["--tests", "2"], "--tests: expected at least 5"),
        (["--infiller", "none"], "unknown infiller 'none'"),
        (["--method", "nothing"], "unknown method 'nothing'"),
        (["--target", "all"], "--target"),
    ],
)
def test_bad_options_are_refused_before_anything_is_made(
    data, tmp_path, capsys, words, message
) -> None:
    out = tmp_path / "out"
    assert main(["audit", str(data), "--classifier", READER, "--out", str(out), *words]) == 2
    assert message in capsys.readouterr().err
    assert not out.exists()


def test_grey_photos_of_mixed_sizes_are_audited(data, tmp_path) -> None:
    for number in (3, 20):
        path = data / f"{number:02}.png"
        Image.open(path).convert("L").resize((70, 50)).save(path)
    mask = Image.fromarray(np.zeros((50, 70), bool))
    for number in (3, 20):
        mask.save(data / f"{number:02}-mask.png")
    assert main(["audit", str(data), *OPTIONS, "--out", str(tmp_path / "out")]) == 0


def test_regressions_have_no_probability_to_test(data, tmp_path, capsys) -> None:
    words = ["--classifier", "tests.audits.conftest:regression", "--out", str(tmp_path / "out")]
    assert main(["audit", str(data), *OPTIONS, *words]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert "unsee audit" in error
    assert "probabilit" in error
