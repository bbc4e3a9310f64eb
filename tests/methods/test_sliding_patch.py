import numpy as np
import pytest
import torch
from torch import nn

from tests.conftest import Convolutional, masked_score, toy
from tests.methods.conftest import probabilities
from unsee import create
from unsee.methods._sliding import centre_weights
from unsee.recipes import recipe, recipes


def test_stretched_map_equals_numpy(image) -> None:
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
    method = create("methods", "sliding_patch", patch=8, stride=6, placement="stretch")
    saliency = method.attribute(masked_score(network, image))[0]
    torch.testing.assert_close(saliency.double(), expected, atol=1e-5, rtol=1e-3)


def test_costs_one_pass_for_each_position_and_one_for_the_image(image) -> None:
    network = toy(Convolutional())
    create("methods", "sliding_patch", patch=8, stride=6).attribute(masked_score(network, image))
    assert network.passes.forwards == 26


class Spot(nn.Module):
    """Class 1 sees one square of 12 pixels."""

    def __init__(self, top: int, left: int) -> None:
        super().__init__()
        self.top, self.left = top, left

    def forward(self, x):
        value = x[:, :, self.top : self.top + 12, self.left : self.left + 12].mean((1, 2, 3))
        return torch.stack([-value, value], 1)


@pytest.mark.parametrize(("top", "left"), [(4, 4), (4, 16), (16, 8)])
def test_the_maximum_is_the_centre_of_the_only_pixels_that_matter(top, left) -> None:
    image = torch.full((1, 3, 32, 32), 0.9)
    method = create("methods", "sliding_patch", patch=12, stride=4)
    saliency = method.attribute(masked_score(toy(Spot(top, left)), image))[0]
    rows, columns = (saliency > 0.999 * saliency.max()).nonzero().float().add(0.5).mean(0).tolist()
    assert (rows, columns) == pytest.approx((top + 6, left + 6), abs=0.6)


def test_the_map_has_each_drop_at_the_centre_of_its_patch(image, evaluations) -> None:
    """The places 0, 7, 14, 21, 23 of 9 pixels: the last ones end at the border."""
    method = create("methods", "sliding_patch", patch=9, stride=7)
    saliency = method.attribute(masked_score(toy(Convolutional()), image))[0]
    whole = evaluations[0][1].item()
    drops = torch.stack([whole - scores[0] for _, scores in evaluations[1:]])
    centres = [4, 11, 18, 25, 27]
    torch.testing.assert_close(saliency[centres][:, centres], drops, atol=1e-6, rtol=1e-4)
    assert torch.equal(saliency[:4], saliency[4:5].expand(4, -1))
    assert torch.equal(saliency[28:], saliency[27:28].expand(4, -1))


def test_pixels_between_centres_are_interpolated() -> None:
    weights = centre_weights([0, 4, 6], 2, 8, torch.zeros(1))
    expected = [[1, 0, 0], [0.875, 0.125, 0], [0.625, 0.375, 0], [0.375, 0.625, 0],
                [0.125, 0.875, 0], [0, 0.75, 0.25], [0, 0.25, 0.75], [0, 0, 1]]  # fmt: skip
    torch.testing.assert_close(weights, torch.tensor(expected))


@pytest.mark.parametrize(("passes", "positions"), [(1, 1), (4, 1), (5, 4), (40, 36), (300, 225)])
def test_budget_pays_for_all_positions(image, passes, positions) -> None:
    method = create("methods", "sliding_patch").with_budget(passes, (32, 32))
    network = toy(Convolutional())
    method.attribute(masked_score(network, image))
    assert network.passes.forwards == positions + 1
    assert positions == 1 or network.passes.forwards <= passes


def test_recipes_stretch_as_published() -> None:
    methods = [recipe(name).method for name in recipes()]
    sliding = [method for method in methods if method["name"] == "sliding_patch"]
    assert [method["placement"] for method in sliding] == ["stretch", "stretch"]
