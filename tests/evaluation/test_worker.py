"""One unit of a run: photos, errors and metrics."""

import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from tests.conftest import Convolutional, toy
from tests.evaluation.runs import make_plan, run_plan
from unsee import InputError
from unsee.evaluation.loaded import load_classifier
from unsee.evaluation.worker import frame

CHEAP = {"methods": ("random",), "metrics": ("gini",)}


@pytest.fixture
def archive(tmp_path):
    """Four photos in a zip; the second is damaged inside the archive."""
    path, g = tmp_path / "photos.zip", np.random.default_rng(0)
    entries = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as file:
        for number in range(4):
            Image.fromarray(g.integers(0, 255, (30, 40, 3), np.uint8)).save(tmp_path / "photo.bmp")
            file.write(tmp_path / "photo.bmp", f"{number}.bmp")
            entries.append({"file": f"{number}.bmp", "index": number})
        file.writestr("annotations.json", json.dumps(entries))
        damaged = file.getinfo("1.bmp").header_offset + 500
    content = bytearray(path.read_bytes())
    content[damaged] ^= 255
    path.write_bytes(content)
    return path


def test_damaged_photo_has_a_row_with_an_error(archive, tmp_path) -> None:
    rows = run_plan(make_plan(archive, **CHEAP), tmp_path / "run")
    errors = {row["photo"]: row["error"] for row in rows}
    assert "1.bmp cannot be read (BadZipFile: Bad CRC-32" in errors["1.bmp"]
    assert [name for name, error in errors.items() if error is None] == ["0.bmp", "2.bmp", "3.bmp"]


def test_run_of_bad_photos_has_a_row_for_each(tmp_path) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(b"broken")
    (tmp_path / "annotations.json").write_text(
        json.dumps([{"file": "a.png", "index": 0}, {"file": "b.png", "index": 1}])
    )
    rows = run_plan(make_plan(tmp_path, **CHEAP), tmp_path / "run")
    assert all("not a photo" in row["error"] for row in rows)
    assert len(rows) == 2


def test_the_error_of_a_row_names_its_photo(tmp_path) -> None:
    for name in ("a.png", "b.png"):
        Image.new("RGB", (40, 40)).save(tmp_path / name)
    (tmp_path / "annotations.json").write_text(
        json.dumps([{"file": "a.png", "index": 0}, {"file": "b.png"}])
    )
    rows = run_plan(make_plan(tmp_path, **CHEAP), tmp_path / "run")
    assert rows[0]["error"] is None
    assert rows[1]["error"].startswith("b.png: the photo has no labelled class")


def test_negative_class_is_refused(data) -> None:
    plan = make_plan(data)
    sample = plan.samples()[2]
    classifier = load_classifier("tests.toys:classifier", 4, None, "float32")
    unlabelled = replace(sample, target=-1)  # as Hugging Face writes "no label"
    with pytest.raises(InputError, match="class index >= 0, got -1"):
        frame(unlabelled, plan, classifier)
    assert frame(unlabelled, replace(plan, target="top1"), classifier).target is None
    assert frame(sample, plan, classifier).target == 2
    with pytest.raises(InputError, match="no labelled class"):
        frame(replace(sample, target=None), plan, classifier)


def test_fit_applies_to_photo_and_boxes(data, tmp_path) -> None:
    cropped, resized = (
        run_plan(
            make_plan(data, methods=("box",), metrics=("localisation",), fit=fit, limit=1),
            tmp_path / fit,
        )
        for fit in ("crop", "resize")
    )
    assert cropped[0]["probability"] != resized[0]["probability"]
    classifier = load_classifier("tests.toys:classifier", 4, None, "float32", "resize")
    plan = make_plan(data)
    photo = frame(plan.samples()[0], plan, classifier)
    expected = torch.tensor([[10 * 24 / 40, 8 * 24 / 30, 30 * 24 / 40, 24 * 24 / 30]])
    torch.testing.assert_close(photo.truth.boxes, expected)


def test_infiller_of_the_metrics_does_not_change_the_method(data, tmp_path) -> None:
    own, other = (
        run_plan(
            make_plan(
                data, methods=("rise:samples=8",), metric_infiller=infiller, limit=1,
                metrics=("max_sensitivity", "average_drop"),
            ),
            tmp_path / (infiller or "own"),
        )[0]
        for infiller in (None, "noise")
    )  # fmt: skip
    assert own["max_sensitivity"] == other["max_sensitivity"]
    assert own["average_drop"] != other["average_drop"]


@pytest.mark.parametrize("thin", [False, True])
def test_an_outline_without_pixels_does_not_hide_the_box(data, thin) -> None:
    mask = torch.zeros(3000, 4000, dtype=torch.bool)
    mask[1500, 2000] = thin  # falls between the pixels of the classifier's input
    sample = replace(make_plan(data).samples()[2], outline=lambda: mask)
    classifier = load_classifier("tests.toys:classifier", 4, None, "float32")
    truth = frame(sample, make_plan(data), classifier).truth
    assert truth.mask is None
    assert len(truth.boxes) == 1


@pytest.mark.parametrize(("side", "shown"), [(224, 1.0), (448, 0.875)])
def test_an_outline_of_another_resolution_is_framed_as_the_photo(data, side, shown) -> None:
    mask = torch.zeros(224, 224, dtype=torch.bool)
    mask[:, 56:168] = True
    sample = replace(
        make_plan(data).samples()[2],
        read=lambda channels: torch.rand(channels, side, side), outline=lambda: mask,
        size=(side, side), boxes=torch.tensor([[side / 4, 0, 3 * side / 4, side]]),
    )  # fmt: skip
    for resolution in (1, 2):
        enlarged = mask.repeat_interleave(resolution, 0).repeat_interleave(resolution, 1)
        truth = frame(
            replace(sample, outline=lambda mask=enlarged: mask),
            make_plan(data), toy(Convolutional(), size=224),
        ).truth  # fmt: skip
        assert truth.mask.float().mean().item() == pytest.approx(0.5 / shown, abs=0.01)
        assert (truth.boxes[0, 2] - truth.boxes[0, 0]) / 224 == pytest.approx(0.5 / shown)
