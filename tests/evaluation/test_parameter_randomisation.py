"""Parameter randomisation test: maps of classifiers with random layers."""

import json

import numpy as np
import pytest
from PIL import Image
from skimage.data import chelsea

from tests.conftest import Convolutional, toy
from unsee import create
from unsee.cli import main
from unsee.evaluation import parameter_randomisation


def test_similarity_decreases_for_gradients_and_not_for_a_control(images) -> None:
    network = toy(Convolutional())
    for method, decreases in (
        (create("methods", "gradient"), True),
        (create("methods", "box"), False),
    ):
        original, *others = parameter_randomisation.check(network, images, method, targets=2)
        assert original.layer == ""
        assert all(value == pytest.approx(1) for value in original.similarity["spearman"])
        last = np.mean(others[-1].similarity["spearman"])
        assert (last < 0.6) == decreases
        assert len(others) == 3
        assert others[-1].maps.shape == (3, 32, 32)


def test_command_writes_a_picture_and_a_table(tmp_path, capsys) -> None:
    photo = tmp_path / "cat.png"
    Image.fromarray(chelsea()).save(photo)
    arguments = [
        "sanity", str(photo), "--method", "gradient", "--layers", "2", "--out", str(tmp_path / "o"),
    ]  # fmt: skip
    assert main(arguments) == 0
    assert "nothing" in capsys.readouterr().out
    lines = (tmp_path / "o" / "table.csv").read_text().splitlines()
    assert lines[0] == "layer,ssim,hog,spearman"
    assert len(lines) == 4
    assert float(lines[1].split(",")[3]) == 1
    with np.load(tmp_path / "o" / "maps.npz") as maps:
        assert maps["maps"].shape == (3, 224, 224)
    assert json.loads((tmp_path / "o" / "manifest.json").read_text())["measure"] == "logit"
    assert main(arguments) == 2
    assert "exists already" in capsys.readouterr().err
