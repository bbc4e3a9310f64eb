"""Maps of classifiers with randomised layers."""

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.data import chelsea

from tests.conftest import Convolutional, toy
from unsee import Classifier, InputError, black_box, create
from unsee.classifiers import randomisation
from unsee.cli import main
from unsee.evaluation import parameter_randomisation


def test_layers_are_forgotten_from_the_output() -> None:
    network = toy(Convolutional())
    before = {name: p.clone() for name, p in network.model.state_dict().items()}
    names = randomisation.layers(network.model)
    assert names == ["head", "features.3", "features.0"]
    for (name, copy), wanted in zip(
        randomisation.randomise_layers(network), (1, 2, 3), strict=True
    ):
        assert name == names[wanted - 1]
        changed = [
            n for n in names
            if not torch.equal(copy.model.state_dict()[f"{n}.weight"], before[f"{n}.weight"])
        ]  # fmt: skip
        assert changed == names[:wanted]
        weight = copy.model.state_dict()["head.weight"]
        assert weight.std().item() == pytest.approx(before["head.weight"].std().item(), rel=0.5)
    for name, copy in randomisation.randomise_layers(network, "independent"):
        changed = [
            n for n in names
            if not torch.equal(copy.model.state_dict()[f"{n}.weight"], before[f"{n}.weight"])
        ]  # fmt: skip
        assert changed == [name]
    assert all(torch.equal(before[n], p) for n, p in network.model.state_dict().items())
    assert [name for name, _ in randomisation.randomise_layers(network, steps=2)] == [
        "features.3",
        "features.0",
    ]
    same = [
        next(randomisation.randomise_layers(network, seed=4))[1].model.head.weight for _ in range(2)
    ]
    assert torch.equal(*same)


def test_layers_of_one_size_forget_differently() -> None:
    network = torch.nn.Sequential(*(torch.nn.Conv2d(3, 3, 3) for _ in range(3)))
    *_, (_, forgotten) = randomisation.randomise_layers(Classifier(network.eval()), seed=1)
    first, second, third = (layer.weight for layer in forgotten.model)
    for one, other in ((first, second), (second, third)):
        alike = torch.corrcoef(torch.stack([one.flatten(), other.flatten()]).detach())[0, 1]
        assert alike < 0.5


def test_a_map_of_the_classifier_falls_and_a_control_does_not(images) -> None:
    network = toy(Convolutional())
    for method, falls in ((create("methods", "gradient"), True), (create("methods", "box"), False)):
        real, *others = parameter_randomisation.check(network, images, method, targets=2)
        assert real.layer == ""
        assert all(value == pytest.approx(1) for value in real.similarity["spearman"])
        last = np.mean(others[-1].similarity["spearman"])
        assert (last < 0.6) == falls
        assert len(others) == 3
        assert others[-1].maps.shape == (3, 32, 32)


def test_a_black_box_has_no_layers() -> None:
    box = black_box(lambda x: np.ones((len(x), 2)) / 2, size=(32, 32))
    with pytest.raises(InputError, match="a black box has none"):
        next(randomisation.randomise_layers(box))


def test_the_command_writes_a_picture_and_a_table(tmp_path, capsys) -> None:
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
    assert main(arguments) == 2
    assert "exists already" in capsys.readouterr().err
