"""Label randomisation on pictures in which a class is a bright corner."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from unsee import InputError, create
from unsee.cli import main
from unsee.evaluation import label_randomisation
from unsee.evaluation.label_randomisation import TrainConfig


def corners(count=120):
    """Four classes: which corner of a noisy picture is bright."""
    g = torch.Generator().manual_seed(1)
    images = 0.5 * torch.rand(count, 1, 16, 16, generator=g)
    targets = torch.arange(count) % 4
    for image, target in zip(images, targets.tolist(), strict=True):
        image[0, 8 * (target // 2) :, 8 * (target % 2) :][:8, :8] += 0.5
    return images, targets


CONFIG = TrainConfig(size=16, epochs=40)


def test_maps_depend_on_the_labels() -> None:
    images, targets = corners()
    epochs = []
    real = label_randomisation.train(
        images[:100], targets[:100], CONFIG, shuffled=False,
        callback=lambda epoch, accuracy: epochs.append((epoch, accuracy)),
    )  # fmt: skip
    shuffled = label_randomisation.train(images[:100], targets[:100], CONFIG, shuffled=True)
    assert real.accuracy >= 0.99
    assert epochs[-1] == (real.epochs, real.accuracy)
    assert shuffled.accuracy > 0.9  # memorised
    accuracy = [
        (network.classifier.predict(images[100:]).argmax(1) == targets[100:]).float().mean()
        for network in (real, shuffled)
    ]
    assert accuracy[0] > 0.9
    assert accuracy[1] < 0.7
    again = label_randomisation.train(images[:100], targets[:100], CONFIG, shuffled=False)
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


def test_single_class_is_refused() -> None:
    images, targets = corners(8)
    with pytest.raises(InputError, match="at least two classes"):
        label_randomisation.train(images, torch.zeros_like(targets), CONFIG, shuffled=False)
    with pytest.raises(InputError, match="expected size >= 8"):
        TrainConfig(size=4)


def test_command_reads_folders_of_classes(tmp_path, capsys) -> None:
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
    manifest = json.loads((out / "manifest.json").read_text())
    assert {"true labels", "shuffled labels"} == {n["labels"] for n in manifest["learned"]}
    assert set(manifest["measures"]) == {"gradient", "box"}
    with Image.open(out / "labels.png") as picture:
        assert picture.size[0] > 200
    assert main(arguments) == 2
    assert "exists already" in capsys.readouterr().err
