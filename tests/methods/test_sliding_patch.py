import numpy as np
import torch

from tests.conftest import Convolutional, masked_score, toy
from tests.methods.conftest import probabilities
from unsee import create


def test_map_equals_numpy(image) -> None:
    network, x = toy(Convolutional()), image[0].numpy()
    whole = probabilities(network, [x])[0]
    drops = np.zeros((5, 5))
    for i, top in enumerate(range(0, 25, 6)):
        for j, left in enumerate(range(0, 25, 6)):
            hidden = x.copy()
            hidden[:, top : top + 8, left : left + 8] = 0.4
            drops[i, j] = whole - probabilities(network, [hidden])[0]
    expected = torch.nn.functional.interpolate(
        torch.tensor(drops)[None, None], (32, 32), mode="bilinear"
    )[0, 0]
    method = create("methods", "sliding_patch", patch=8, stride=6)
    saliency = method.attribute(masked_score(network, image))[0]
    torch.testing.assert_close(saliency.double(), expected, atol=1e-5, rtol=1e-3)


def test_costs_one_pass_for_each_position_and_one_for_the_image(image) -> None:
    network = toy(Convolutional())
    create("methods", "sliding_patch", patch=8, stride=6).attribute(masked_score(network, image))
    assert network.passes.forwards == 26
