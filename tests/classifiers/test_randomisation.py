"""Randomised copies of a classifier."""

import numpy as np
import pytest
import torch

from tests.conftest import Convolutional, toy
from unsee import Classifier, InputError, black_box
from unsee.classifiers import randomisation


def test_layers_are_randomised_from_the_output() -> None:
    network = toy(Convolutional())
    before = {name: p.clone() for name, p in network.model.state_dict().items()}
    names = randomisation.layers(network.model)
    assert names == ["head", "features.3", "features.0"]
    for (name, copy), count in zip(randomisation.randomise_layers(network), (1, 2, 3), strict=True):
        assert name == names[count - 1]
        changed = [
            n for n in names
            if not torch.equal(copy.model.state_dict()[f"{n}.weight"], before[f"{n}.weight"])
        ]  # fmt: skip
        assert changed == names[:count]
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
    repeated = [
        next(randomisation.randomise_layers(network, seed=4))[1].model.head.weight for _ in range(2)
    ]
    assert torch.equal(*repeated)


def test_layers_of_equal_size_get_different_weights() -> None:
    network = torch.nn.Sequential(*(torch.nn.Conv2d(3, 3, 3) for _ in range(3)))
    *_, (_, randomised) = randomisation.randomise_layers(Classifier(network.eval()), seed=1)
    first, second, third = (layer.weight for layer in randomised.model)
    for a, b in ((first, second), (second, third)):
        correlation = torch.corrcoef(torch.stack([a.flatten(), b.flatten()]).detach())[0, 1]
        assert correlation < 0.5


def test_black_box_has_no_layers() -> None:
    box = black_box(lambda x: np.ones((len(x), 2)) / 2, size=(32, 32))
    with pytest.raises(InputError, match="randomising layers needs the layers"):
        next(randomisation.randomise_layers(box))
