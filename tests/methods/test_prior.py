"""First rankings: signed class activation maps, or gradients where there are none."""

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.conftest import masked_score, small, toy
from unsee import explain
from unsee.classifiers.measures import logit
from unsee.errors import InputError
from unsee.masking.score import MaskedScore
from unsee.methods._prior import confidence, first_ranking, source_of, standardise


class Spots(nn.Module):
    """Class 1 is bright in the upper left, class 0 in the lower right; both see 6 x 6 cells."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1),
            nn.ReLU(),
            nn.AvgPool2d(4),
            nn.Conv2d(8, 2, 1, bias=False),
        )
        self.activation = nn.ReLU(inplace=inplace)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.zero_()
            self.features[0].weight[0, 0, 1, 1] = 1.0
            self.features[0].weight[1, 2, 1, 1] = 1.0
            self.features[3].weight[0, 0, 0, 0] = 20.0
            self.features[3].weight[1, 1, 0, 0] = 20.0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.activation(self.features(x)).mean((2, 3))


class Flat(nn.Module):
    """A linear function of the pixels: class 1 is blue in the upper left."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3 * 24 * 24, 2)
        with torch.no_grad():
            self.linear.weight.zero_()
            weights = self.linear.weight.view(2, 3, 24, 24)
            weights[1, 2, 2:10, 2:10] = 0.1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(x.flatten(1))


def scored(network, images: torch.Tensor, targets: list[int], **settings) -> MaskedScore:
    """Return the score of these classes."""
    score = masked_score(network, images, "blur", **settings)
    return replace(score, targets=torch.tensor(targets))


@pytest.fixture
def two_spots() -> torch.Tensor:
    image = torch.full((1, 3, 24, 24), 0.5)
    image[:, 0, 14:22, 14:22] = 1.0  # red: class 0
    image[:, 2, 2:10, 2:10] = 1.0  # blue: class 1
    return image


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("target", [0, 1])
def test_the_sign_tells_classes_apart(two_spots, target: int, inplace: bool) -> None:
    score = scored(toy(Spots(inplace)), two_spots, [target])
    ranking = first_ranking(score, 24)[0, 0, 0]
    red, blue = ranking[14:22, 14:22].mean(), ranking[2:10, 2:10].mean()
    own, other = (red, blue) if target == 0 else (blue, red)
    assert own > 1
    assert other < -1


def test_rankings_have_mean_zero_and_deviation_one(two_spots) -> None:
    score = scored(toy(Spots()), two_spots, [1])
    ranking = first_ranking(score, 12)
    assert ranking.shape == (1, 1, 1, 12, 12)
    assert ranking.mean().abs() < 1e-5
    assert ranking.std(correction=0) == pytest.approx(1, abs=1e-4)


def test_a_network_without_feature_maps_is_read_by_its_gradient(two_spots) -> None:
    score = scored(toy(Flat()), two_spots, [1])
    ranking = first_ranking(score, 24)[0, 0, 0]
    inside = ranking[2:10, 2:10].mean()
    assert inside > ranking[12:].mean() + 1


def test_a_network_that_crops_inside_is_read_by_its_gradient() -> None:
    class Cropping(Spots):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(F.interpolate(x, scale_factor=2.0)[..., 12:-12, 12:-12])

    image = torch.full((1, 3, 24, 24), 0.5)
    image[:, 2, 14:18, 14:18] = 1.0  # on the network's maps it is at 16 to 24
    ranking = first_ranking(scored(toy(Cropping()), image, [1]), 24)[0, 0, 0]
    row, column = divmod(int(ranking.argmax()), 24)
    assert 13 <= row <= 18
    assert 13 <= column <= 18


def test_a_ranking_does_not_depend_on_the_rest_of_the_batch(two_spots) -> None:
    others = torch.cat([two_spots.flip(3), two_spots, 1 - two_spots])
    together = first_ranking(scored(toy(Spots()), others, [0, 1, 0]), 12)
    alone = first_ranking(scored(toy(Spots()), two_spots, [1]), 12)
    torch.testing.assert_close(together[1:2], alone, atol=1e-5, rtol=1e-5)


def test_no_hook_is_left_behind_by_an_error(two_spots) -> None:
    class Fails(Spots):
        broken = False

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            output = super().forward(x)
            if self.broken:
                raise ValueError("broken")
            return output

    network = Fails()
    score = scored(toy(network), two_spots, [1])
    network.broken = True
    with pytest.raises(InputError, match="broken"):
        first_ranking(score, 12)
    assert not any(module._forward_hooks for module in network.modules())


def test_it_is_computed_once_for_a_score(two_spots) -> None:
    network = toy(Spots())
    score = scored(network, two_spots, [1])
    first_ranking(score, 12)
    passes = network.passes.forwards
    first_ranking(score, 12)
    assert network.passes.forwards == passes


def test_a_constant_map_is_zero() -> None:
    assert torch.equal(standardise(torch.full((1, 4, 4), 7.0)), torch.zeros(1, 4, 4))


def test_confidence_is_the_probability_whatever_the_measure(two_spots) -> None:
    score = scored(toy(Spots()), two_spots, [1], measure=logit)
    logits = score.classifier.predict(two_spots)
    torch.testing.assert_close(confidence(score), logits.softmax(1)[:, 1])


def test_threads_may_share_a_network(two_spots) -> None:
    """Passes of one thread meet the hooks of another one, in the search for a layer too."""
    images = [two_spots, two_spots.flip(3), two_spots.flip(2), 1 - two_spots]
    expected = [first_ranking(scored(toy(Spots()), image, [1]), 12) for image in images]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for _ in range(3):
            network = toy(Spots())
            scores = [scored(network, image, [1]) for image in images]
            with ThreadPoolExecutor(4) as threads:
                results = list(threads.map(lambda score: first_ranking(score, 12), scores))
            for result, alone in zip(results, expected, strict=True):
                torch.testing.assert_close(result, alone, atol=1e-6, rtol=1e-6)
    finally:
        sys.setswitchinterval(interval)


def layer_of(network, images, method) -> str | None:
    return explain(toy(network), images, method, targets=1).provenance["method"]["layer"]


def test_the_manifest_names_the_layer_that_was_read(two_spots) -> None:
    assert layer_of(Spots(), two_spots, small("tide")) == "activation"
    assert layer_of(Spots(), two_spots, small("tide", layer="features.1")) == "features.1"
    assert layer_of(Flat(), two_spots, small("tide")) is None
    assert layer_of(Flat(), two_spots, small("tide", steps=0)) == "gradient"
    assert layer_of(Flat(), two_spots, small("tide", layer="gradient")) == "gradient"
    assert layer_of(Spots(), two_spots, small("tide", layer="gradient")) == "gradient"
    assert layer_of(Spots(), two_spots, small("tide", prior=0.0)) is None


def test_the_named_layer_is_read(two_spots) -> None:
    score = scored(toy(Spots()), two_spots, [1])
    default, early, pixels = (first_ranking(score, 24, n) for n in (None, "features.1", "gradient"))
    assert torch.equal(default, first_ranking(score, 24, source_of(score)))
    assert not torch.allclose(default, early, atol=1e-3)
    assert not torch.allclose(default, pixels, atol=1e-3)


def test_a_layer_that_does_not_exist_is_refused(two_spots) -> None:
    with pytest.raises(InputError, match=r"no layer 'features\.9'"):
        explain(toy(Spots()), two_spots, small("tide", layer="features.9"))


def test_a_layer_that_the_gradient_does_not_reach_is_not_named(two_spots) -> None:
    class Aside(Flat):
        def __init__(self) -> None:
            super().__init__()
            self.maps = nn.Conv2d(3, 4, 3, padding=1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            output = super().forward(x)
            return output + self.maps(x).mean((1, 2, 3))[:, None].detach()

    assert layer_of(Aside(), two_spots, small("tide")) is None
    with pytest.raises(InputError, match="does not reach the layer 'maps'"):
        explain(toy(Aside()), two_spots, small("tide", layer="maps"))


def test_tide_starts_flat_where_a_network_has_no_feature_maps(two_spots) -> None:
    score = scored(toy(Flat()), two_spots, [1])
    default = small("tide").fitted(score)
    assert default.prior == 0
    assert not default.start(score).any()
    assert torch.equal(default.attribute(score), small("tide", prior=0.0).attribute(score))
    assert small("tide", layer="gradient").fitted(score).start(score).any()
