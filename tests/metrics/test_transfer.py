"""Areas on other classifiers, of other sizes and normalisations."""

import dataclasses

import pytest
import torch

from tests.conftest import Convolutional, Corner, Shifted, masked_score, toy
from unsee import Classifier, Framing, InputError, create
from unsee.evaluation.plan import Plan
from unsee.metrics import _curves
from unsee.metrics._references import resized

CORNER = torch.zeros(3, 32, 32)
CORNER[:, :16, :16] = 1


@pytest.fixture
def score(images):
    return masked_score(toy(Shifted(Corner())), images, target=1)


@pytest.fixture
def noise():
    return torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(5))


def transfer(score, maps, classifiers, **settings):
    metric = create("metrics", "transfer", **settings)
    return metric.rate(score, maps, reference_classifiers=classifiers)


@pytest.mark.parametrize("area", ["deletion", "insertion"])
@pytest.mark.parametrize("protocol", ["rise", "clean", "igos"])
def test_the_same_classifier_has_the_area_of_the_metric_itself(
    score, noise, area, protocol
) -> None:
    own = create("metrics", area, protocol=protocol).rate(score, noise)
    values = transfer(score, noise, [score.classifier], area=area, protocol=protocol)
    torch.testing.assert_close(values, own)


def test_normalisation_is_that_of_the_reference(score, noise) -> None:
    """Corner sees the same pixels through both classifiers, and the same grey."""
    plain = Classifier(
        Corner().eval(), mean=(0.0,) * 3, std=(1.0,) * 3, data_mean=(0.4,) * 3,
        framing=Framing((32, 32)), chunk=16,
    )  # fmt: skip
    own = create("metrics", "deletion").rate(score, noise)
    torch.testing.assert_close(transfer(score, noise, [plain]), own)
    black = dataclasses.replace(plain, data_mean=(0.0,) * 3)
    assert (transfer(score, noise, [black]) < own).all()


@pytest.mark.parametrize("size", [(16, 16), (24, 24), (48, 48), (20, 30)])
def test_a_map_of_the_evidence_is_best_at_any_size(score, noise, size) -> None:
    other = dataclasses.replace(toy(Shifted(Corner())), framing=Framing(size))
    deletion = [transfer(score, maps, [other]) for maps in (CORNER, noise, 1 - CORNER)]
    assert (deletion[0] < deletion[1]).all()
    assert (deletion[1] < deletion[2]).all()
    insertion = [transfer(score, maps, [other], area="insertion") for maps in (CORNER, noise)]
    assert (insertion[0] > insertion[1]).all()


def test_images_and_maps_are_averaged_to_a_smaller_size(score, noise) -> None:
    other = toy(Convolutional(2), size=16)
    small = resized(noise[:, None], (16, 16))[:, 0]
    cells = noise.unfold(1, 2, 2).unfold(2, 2, 2).mean((3, 4))
    assert torch.corrcoef(torch.stack([small.flatten(), cells.flatten()]))[0, 1] > 0.9
    by_hand = masked_score(other, resized(score.images, (16, 16)).clamp(0, 1), target=1)
    expected = _curves.area(by_hand, small, "rise", "deletion")
    torch.testing.assert_close(transfer(score, noise, [other]), expected)


@pytest.mark.parametrize("size", [(15, 15), (21, 17), (47, 50)])
def test_equal_pixels_stay_equal(size) -> None:
    flat = torch.full((1, 1, 32, 32), 0.3)
    flat[..., 16:, :] = 0.7
    fine = resized(flat, size)
    assert (fine[..., : size[0] // 2 - 3, :] == flat[0, 0, 0, 0]).all()
    assert (fine[..., size[0] // 2 + 3 :, :] == flat[0, 0, -1, 0]).all()


def test_one_reference_or_the_mean_of_all(score, noise) -> None:
    classifiers = [toy(Shifted(Corner()), size=24), toy(Convolutional(2), size=16)]
    first, second, both = (transfer(score, noise, classifiers, reference=n) for n in (1, 2, 0))
    assert not torch.equal(first, second)
    torch.testing.assert_close(both, (first + second) / 2)
    torch.testing.assert_close(first, transfer(score, noise, classifiers[:1]))


def test_a_missing_reference_is_named(score, noise) -> None:
    message = "Transfer needs other classifiers: expected `reference_classifiers`, 2 or more, got 1"
    with pytest.raises(InputError, match=message):
        transfer(score, noise, [score.classifier], reference=2)
    plan = Plan(
        data="photos", metrics=("transfer:reference=2",),
        reference_classifiers=("efficientnet_lite1",),
    )  # fmt: skip
    with pytest.raises(InputError, match="2 or more, got 1"):
        plan.check()


def test_direction_depends_on_the_area() -> None:
    assert not create("metrics", "transfer").higher_is_better
    assert create("metrics", "transfer", area="insertion").higher_is_better


def test_other_classes_or_channels_are_refused(score, noise) -> None:
    with pytest.raises(InputError, match="5 classes, and the explained classifier 2"):
        transfer(score, noise, [toy(Convolutional())])
    with pytest.raises(InputError, match="takes 1 channels, and the explained classifier 3"):
        transfer(score, noise, [toy(Convolutional(2, channels=1), channels=1)])


def test_classes_in_another_order_are_refused(score, noise) -> None:
    own = toy(Shifted(Corner()), labels=("dark_day", "bright"))
    named = dataclasses.replace(score, classifier=own)
    for labels in (("Dark day", "Bright"), ("night", "day"), ()):
        other = toy(Shifted(Corner()), labels=labels)
        torch.testing.assert_close(
            transfer(named, noise, [other]), transfer(score, noise, [score.classifier])
        )
    with pytest.raises(InputError, match="class 1 is 'bright' for the explained classifier and"):
        transfer(named, noise, [toy(Shifted(Corner()), labels=("bright", "dark day"))])
