from dataclasses import FrozenInstanceError, dataclass, replace
from typing import ClassVar

import pytest
import torch

from tests.conftest import masked_score
from unsee import create
from unsee.classifiers.measures import logit
from unsee.infillers.base import Infiller


@dataclass(frozen=True)
class Counting(Infiller):
    """Returns visible pixels, and half of the colour elsewhere; counts its calls."""

    bound: ClassVar[list[int]] = []
    fills: ClassVar[list[int]] = []

    def bind(self, scene):
        self.bound.append(len(scene.images))

        def fill(keep, rows):
            self.fills.append(len(keep))
            return torch.where(keep > 0, rows.of(scene.images), rows.of(scene.images) / 2)

        return fill


@pytest.fixture
def infiller():
    Counting.bound.clear()
    Counting.fills.clear()
    return Counting()


def keep(count: int = 3) -> torch.Tensor:
    return torch.rand(count, 2, 1, 8, 8, generator=torch.Generator().manual_seed(0))


def test_score_is_frozen(network, images) -> None:
    score = masked_score(network, images)
    with pytest.raises(FrozenInstanceError):
        score.images = images


def test_rows_leave_the_whole_score_unchanged(network, images) -> None:
    score = masked_score(network, images)
    before = dict(vars(score))
    rows = score.rows(torch.tensor([2, 0]))
    assert vars(score) == before
    assert torch.equal(rows.images, images[[2, 0]])
    assert list(rows.seeds) == [2, 0]


def test_infiller_is_bound_once_for_all_rows_and_measures(network, images, infiller) -> None:
    score = masked_score(network, images, infiller)
    rows = score.rows(torch.tensor([True, False, True]))
    rows.rows(torch.tensor([1]))(keep(1))
    rows(keep(2))
    replace(score, measure=logit)(keep())
    assert Counting.bound == [3]
    assert sum(count == 3 for count in Counting.fills) == 5  # one test, four rounds of tiles


def test_other_images_and_seeds_are_bound_anew(network, images, infiller) -> None:
    score = masked_score(network, images, infiller)
    score(keep())
    other = replace(score, images=1 - images)
    torch.testing.assert_close(other(keep()), masked_score(network, 1 - images, infiller)(keep()))
    assert other.random is not score.random
    assert replace(score, seeds=[5, 6, 7]).random.seeds == [5, 6, 7]
    assert replace(score, measure=logit).random is score.random


@pytest.mark.parametrize("name", ["grey", "telea", "noise"])
def test_rows_of_rows_have_the_scores_of_the_whole(network, images, name) -> None:
    score = masked_score(network, images, create("infillers", name))
    whole = score(keep(), step=2)
    rows = score.rows(torch.tensor([2, 1, 2])).rows(torch.tensor([False, True, True]))
    torch.testing.assert_close(rows(keep()[[1, 2]], step=2), whole[[1, 2]])
    torch.testing.assert_close(rows.imagined_background, score.imagined_background[[1, 2]])
    noise = score.random.uniform(0, 4)
    assert torch.equal(rows.random.uniform(0, 4), noise[[1, 2]])


def test_all_rows_in_order_are_the_score_itself(network, images) -> None:
    score = masked_score(network, images)
    assert score.rows(torch.tensor([True, True, True])) is score
    assert score.rows(torch.arange(3)) is score


def test_soft_masks_mix_with_the_imagined_background(network, images, infiller) -> None:
    score = masked_score(network, images, infiller)
    assert torch.equal(score.imagined_background, images / 2)
    soft = torch.full((3, 1, 1, 1, 1), 0.75)
    torch.testing.assert_close(score.pictures(soft), 0.75 * images + 0.25 * images / 2)
    assert torch.equal(score.pictures(torch.ones(3, 1, 1, 1, 1)), images)


@dataclass(frozen=True)
class Share(Infiller):
    """Fills with the share of visible pixels, also where pixels are visible."""

    def bind(self, scene):
        return lambda keep, rows: keep.mean((1, 2, 3), keepdim=True).expand_as(
            rows.of(scene.images)
        )


def test_only_visible_pixels_that_are_returned_are_replaced(network, images) -> None:
    """Other in-fillers keep their backgrounds under soft masks."""
    soft = torch.full((3, 1, 1, 1, 1), 0.75)
    pictures = masked_score(network, images, Share()).pictures(soft)
    torch.testing.assert_close(pictures, 0.75 * images + 0.25)


def test_hard_masks_mix_with_the_imagined_background_only_in_their_gradient(
    network, images, infiller
) -> None:
    keep = torch.ones(3, 1, 1, 32, 32)
    masked_score(network, images, infiller)(keep)
    assert sum(count == 3 for count in Counting.fills) == 2  # a test and these masks, no tiles
    keep.requires_grad_()
    pictures = masked_score(network, images, infiller).pictures(keep)
    torch.testing.assert_close(pictures, images)
    (gradient,) = torch.autograd.grad(pictures.sum(), keep)
    torch.testing.assert_close(gradient[:, 0, 0], images.sum(1) / 2)


@dataclass(frozen=True)
class ShareInHoles(Infiller):
    """Returns visible pixels, and the share of visible pixels elsewhere."""

    def bind(self, scene):
        def fill(keep, rows):
            share = keep.mean((1, 2, 3), keepdim=True)
            return torch.where(keep > 0, rows.of(scene.images), share)

        return fill


def test_removed_pixels_are_filled_under_their_own_mask(network, images) -> None:
    """The imagined background replaces visible pixels only, also under soft masks."""
    score = masked_score(network, images, ShareInHoles())
    soft = torch.full((3, 1, 1, 1, 1), 0.25)  # removes all pixels, so that none is visible
    torch.testing.assert_close(score.pictures(soft), 0.25 * images)
    assert score.imagined_background.min() > 0.5


def test_pictures_of_white_photos_can_be_classified(network) -> None:
    for side in (32, 96):  # the weights of a blur may sum to slightly more than 1
        white = torch.ones(1, 3, side, side)
        score = masked_score(network, white, "blur", sigma=50.0, kernel=51)
        pictures = score.pictures(torch.zeros(1, 1, 1, side, side))
        torch.testing.assert_close(pictures, white)
        network.predict(pictures)
