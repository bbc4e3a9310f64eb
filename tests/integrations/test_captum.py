"""Methods of unsee with the interface of Captum."""

import pytest
import torch

from tests.conftest import Corner, Shifted, small, toy
from unsee import InputError, explain
from unsee.integrations.captum import Attribution

MEAN, STD = (0.4,) * 3, (1.0,) * 3


@pytest.fixture
def model():
    return Shifted(Corner()).eval()


@pytest.fixture
def attribution(model):
    return Attribution(model, method=small("fido"), infiller="grey", mean=MEAN, std=STD)


def test_maps_are_those_of_explain_in_all_channels(model, attribution, images) -> None:
    inputs = images - 0.4
    maps = attribution.attribute(inputs, target=1)
    assert maps.shape == inputs.shape
    assert torch.equal(maps, maps[:, :1].expand_as(maps))
    expected = explain(toy(model), images, small("fido"), infiller="grey", targets=1).saliency
    torch.testing.assert_close(maps[:, 0], expected, atol=1e-3, rtol=1e-2)
    assert maps[:, :, :14, :14].mean() > maps[:, :, 18:, 18:].mean()


def test_target_is_one_class_or_one_per_image(attribution, images) -> None:
    inputs = images - 0.4
    maps = attribution.attribute(inputs, target=1)
    assert torch.equal(maps, attribution.attribute(inputs, torch.tensor([1, 1, 1])))
    assert torch.equal(maps, attribution.attribute(inputs, torch.tensor(1), show_progress=True))


def test_inputs_with_another_normalisation_are_refused(attribution, images) -> None:
    with pytest.raises(InputError, match="mean= and std="):
        attribution.attribute(images * 4)
    with pytest.raises(InputError, match="expected inputs"):
        attribution.attribute(images[:, :1])
