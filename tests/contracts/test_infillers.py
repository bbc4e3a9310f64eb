"""What every in-filler promises; a new file in infillers/ is tested without a line here."""

import dataclasses
from dataclasses import replace

import pytest
import torch

from tests.conftest import Convolutional, question, toy
from tests.generators import small_infiller
from unsee import available, create
from unsee.infillers.base import ImageBatch, RowIndex
from unsee.noise import ImageRandom
from unsee.registry import settings_of, summary

SIZE = 48


@pytest.fixture(params=available("infillers"))
def infiller(request):
    made = small_infiller(request.param)
    if getattr(made, "least", 0) > SIZE:
        pytest.skip(f"paints from {made.least} pixels on; tests/infillers/test_generators.py")
    return made


@pytest.fixture
def pictures():
    rows = torch.linspace(0, 1, SIZE)
    plane = 0.5 + 0.5 * torch.sin(12 * rows[:, None] + 7 * rows[None])
    noise = torch.rand(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    return (0.7 * plane + 0.3 * noise).clamp(0, 1)


def holes() -> torch.Tensor:
    """Three masks for each of two images: a box, cells, and almost nothing left."""
    keep = torch.ones(2, 3, 1, SIZE, SIZE)
    keep[0, 0, :, 10:30, 12:26] = 0
    keep[1, 0, :, 20:40, 5:45] = 0
    cells = torch.rand(2, 1, 6, 6, generator=torch.Generator().manual_seed(1)) > 0.5
    keep[:, 1] = cells.float().repeat_interleave(8, -1).repeat_interleave(8, -2)
    keep[:, 2] = 0
    keep[:, 2, :, 16:32, 16:32] = 1
    return keep


def fill(infiller, pictures, keep, seeds=(5, 6), step=0):
    scene = ImageBatch(
        pictures, torch.full(pictures.shape[1:2], 0.4), ImageRandom(seeds, pictures.device)
    )
    b, k = keep.shape[:2]
    at = torch.arange(b * k)
    return infiller.bind(scene)(keep.flatten(0, 1), RowIndex(at // k, at % k, step))


def test_background_is_a_finite_picture(infiller, pictures) -> None:
    background = fill(infiller, pictures, holes())
    assert background.shape == (6, 3, SIZE, SIZE)
    assert background.isfinite().all()
    assert background.min() >= -1e-5
    assert background.max() <= 1 + 1e-5
    assert not background.requires_grad


def test_removed_pixels_never_leak(infiller, pictures) -> None:
    if infiller.sees_removed:
        pytest.skip("sees removed pixels by definition, and says so")
    keep = holes()
    expected = fill(infiller, pictures, keep)
    for variant in range(keep.shape[1]):
        one = keep[:, variant : variant + 1]
        painted = torch.where(one[:, 0] > 0.5, pictures, torch.tensor(0.987))
        got = fill(infiller, painted, one)
        torch.testing.assert_close(got, expected.view(2, 3, 3, SIZE, SIZE)[:, variant])


def test_keep_one_returns_the_image(infiller, pictures) -> None:
    network = toy(Convolutional())
    score = question(network, pictures, infiller)
    ones = torch.ones(2, 1, 1, SIZE, SIZE)
    assert torch.equal(score.pictures(ones), pictures)
    whole = network.score(pictures, score.targets, score.measure)
    torch.testing.assert_close(score(ones)[:, 0], whole)


def test_full_and_empty_masks_are_served(infiller, pictures) -> None:
    for value in (0.0, 1.0):
        background = fill(infiller, pictures, torch.full((2, 1, 1, SIZE, SIZE), value))
        assert background.isfinite().all()


def test_alone_as_in_a_batch(infiller, pictures) -> None:
    keep = holes()
    together = fill(infiller, pictures, keep).view(2, 3, 3, SIZE, SIZE)
    for image in range(2):
        alone = fill(
            infiller, pictures[image : image + 1], keep[image : image + 1], seeds=[5 + image]
        )
        torch.testing.assert_close(alone, together[image], atol=1e-5, rtol=1e-5)
    flipped = fill(infiller, pictures, keep.flip(1)).view(2, 3, 3, SIZE, SIZE).flip(1)
    torch.testing.assert_close(flipped, together, atol=1e-5, rtol=1e-5)


def test_same_seed_same_fill(infiller, pictures) -> None:
    assert torch.equal(fill(infiller, pictures, holes()), fill(infiller, pictures, holes()))


def test_rows_of_a_score_are_the_same_question(infiller, pictures) -> None:
    score = question(toy(Convolutional()), pictures, infiller)
    keep = holes()
    whole = score(keep, step=3)
    some = score.rows(torch.tensor([False, True]))(keep[1:], step=3)
    torch.testing.assert_close(some, whole[1:])
    fresh = replace(score, images=pictures[1:], targets=score.targets[1:], seeds=[1])
    torch.testing.assert_close(fresh(keep[1:], step=3), whole[1:])


def test_is_frozen_hashable_documented_and_listed(infiller) -> None:
    assert infiller.__dataclass_params__.frozen
    assert hash(infiller) == hash(dataclasses.replace(infiller))
    described = settings_of(infiller)
    assert described["name"] in available("infillers")
    assert create("infillers", **described) == infiller
    assert summary("infillers", described["name"]).endswith(".")  # whole in one line
