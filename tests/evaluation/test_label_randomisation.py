"""Label randomisation on pictures in which a class is a bright corner."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from unsee import InputError, create
from unsee.cli import main
from unsee.evaluation import label_randomisation
from unsee.evaluation.label_randomisation import Schooling


def corners(count=120):
    """Four classes: which corner of a noisy picture is bright."""
    g = torch.Generator().manual_seed(1)
    images = 0.5 * torch.rand(count, 1, 16, 16, generator=g)
    targets = torch.arange(count) % 4
    for image, target in zip(images, targets.tolist(), strict=True):
        image[0, 8 * (target // 2) :, 8 * (target % 2) :][:8, :8] += 0.5
    return images, targets


SCHOOLING = Schooling(size=16, epochs=40)


def test_both_learn_and_only_one_can_know() -> None:
    images, targets = corners()
    watched = []
    real = label_randomisation.school(
        images[:100], targets[:100], SCHOOLING, shuffled=False,
        watch=lambda epoch, known: watched.append((epoch, known)),
    )  # fmt: skip
    shuffled = label_randomisation.school(images[:100], targets[:100], SCHOOLING, shuffled=True)
    assert real.known >= 0.99
    assert watched[-1] == (real.epochs, real.known)
    assert shuffled.known > 0.9  # by heart
    right = [
        (pupil.classifier.predict(images[100:]).argmax(1) == targets[100:]).float().mean()
        for pupil in (real, shuffled)
    ]
    assert right[0] > 0.9
    assert right[1] < 0.7
    again = label_randomisation.school(images[:100], targets[:100], SCHOOLING, shuffled=False)
    assert torch.equal(
        again.classifier.model.head.weight, real.classifier.model.head.weight
    )  # the same seed

    methods = {"gradient": create("methods", "gradient"), "box": create("methods", "box")}
    gradient, box = label_randomisation.check(
        real.classifier, shuffled.classifier, images[100:], targets[100:], methods
    )
    assert np.mean(box.similarity["spearman"]) == pytest.approx(1)
    assert np.mean(gradient.similarity["spearman"]) < 0.7
    assert gradient.real.shape == (20, 16, 16)


def test_one_class_teaches_nothing() -> None:
    images, targets = corners(8)
    with pytest.raises(InputError, match="at least two classes"):
        label_randomisation.school(images, torch.zeros_like(targets), SCHOOLING, shuffled=False)
    with pytest.raises(InputError, match="expected size >= 8"):
        Schooling(size=4)


def test_the_command_from_folders_of_classes(tmp_path, capsys) -> None:
    images, targets = corners(44)
    for i, (image, target) in enumerate(zip(images, targets.tolist(), strict=True)):
        folder = tmp_path / "data" / "val" / "abcd"[target]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray((image[0].clamp(0, 1) * 255).byte().numpy()).save(folder / f"{i:03d}.png")
    arguments = [
        "sanity-labels", "--data", f"image_folder:{tmp_path / 'data' / 'val'}", "--methods",
        "gradient", "box", "--photos", "40", "--explained", "4", "--training.size", "16",
        "--training.epochs", "5", "--out", str(tmp_path / "out"),
    ]  # fmt: skip
    assert main(arguments) == 0
    assert "box" in capsys.readouterr().out
    out = tmp_path / "out"
    lines = (out / "table.csv").read_text().splitlines()
    assert lines[0] == "method,measure,mean,low,high,pictures"
    assert len(lines) == 1 + 2 * 3
    assert "box,spearman,1.0000" in "\n".join(lines)
    assert len((out / "rows.csv").read_text().splitlines()) == 1 + 2 * 4
    with np.load(out / "maps.npz") as maps:
        assert maps["gradient real"].shape == (4, 16, 16)
    assert {"true labels", "shuffled labels"} == {
        pupil["labels"] for pupil in json.loads((out / "manifest.json").read_text())["learned"]
    }
    with Image.open(out / "labels.png") as picture:
        assert picture.size[0] > 200
    assert main(arguments) == 2
    assert "exists already" in capsys.readouterr().err
