"""Segments on a grid of slots, and masks with a value for each."""

import pytest
import torch

from tests.conftest import masked_score
from unsee import Framing, InputError, create, explain
from unsee.cells.base import Cells
from unsee.masking.slots import assign, bind_cells
from unsee.masking.soft_top_k import soft_top_k


@pytest.fixture
def slots(images):
    return bind_cells(create("cells", "slic", n=20), images, Framing((32, 32)), [None] * 3)


@pytest.fixture
def segmented(classifier, images, slots):
    from dataclasses import replace

    return replace(masked_score(classifier, images), slots=slots)


def test_a_regular_grid_of_segments_is_that_grid() -> None:
    rows, columns = torch.meshgrid(torch.arange(24), torch.arange(30), indexing="ij")
    expected = rows // 4 * 6 + columns // 5
    shuffled = torch.randperm(36, generator=torch.Generator().manual_seed(0))[expected]
    assert torch.equal(assign(shuffled, 6), expected)


def test_every_segment_has_one_slot_near_its_place(slots, images) -> None:
    labels = create("cells", "slic", n=20)
    assert slots.side == 5
    for image, placed in zip(images, slots.labels, strict=True):
        from unsee.cells.base import ShownPhoto

        segments = labels.labels(ShownPhoto(image, Framing((32, 32))))
        pairs = torch.stack([segments.flatten(), placed.flatten()], 1).unique(dim=0)
        assert len(pairs) == int(segments.max()) + 1 == len(placed.unique())
        for number in placed.unique():
            row, column = (placed == number).nonzero().float().mean(0) / 32 * 5 - 0.5
            assert abs(row - number // 5) < 1.5
            assert abs(column - number % 5) < 1.5


def test_pixels_have_the_value_of_their_segment(segmented, slots) -> None:
    values = torch.rand(3, 2, 1, 5, 5)
    pixels = segmented.to_pixels(values)
    for i in range(3):
        assert torch.equal(pixels[i, 1, 0], values[i, 1].flatten()[slots.labels[i]])
    # masks at the size of the images, and of no slots, are as without segments
    assert torch.equal(segmented.to_pixels(pixels), pixels)
    assert segmented.to_pixels(torch.ones(3, 1, 1, 1, 1)).shape == (3, 1, 1, 32, 32)


def test_gradients_are_sums_over_segments(segmented) -> None:
    values = torch.rand(3, 2, 1, 5, 5, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(segmented.to_pixels, values, fast_mode=True)


def test_means_and_sizes_are_those_of_segments(segmented, slots) -> None:
    maps = torch.rand(3, 1, 1, 32, 32)
    means = segmented.to_cells(maps, (5, 5))
    used = slots.sizes > 0
    assert slots.counts == used.flatten(1).sum(1).tolist()
    torch.testing.assert_close(slots.sizes.flatten(1).mean(1), torch.ones(3))
    number = int(slots.labels[1, 3, 4])
    expected = maps[1, 0, 0][slots.labels[1] == number].mean()
    torch.testing.assert_close(means[1].flatten()[number], expected)
    # a slot without pixels has the mean of the image, and changes no mean
    weighted = (means * slots.sizes).flatten(1).mean(1)
    torch.testing.assert_close(weighted, maps.flatten(1).mean(1))
    empty = ~used[0].flatten()
    torch.testing.assert_close(means[0].flatten()[empty], maps[0].mean().expand(int(empty.sum())))


def test_a_full_mask_returns_the_image_and_an_empty_one_the_background(segmented) -> None:
    assert torch.equal(segmented.pictures(torch.ones(3, 1, 1, 5, 5)), segmented.images)
    removed = segmented.pictures(torch.zeros(3, 1, 1, 5, 5))
    assert torch.equal(removed, segmented.pictures(torch.zeros(3, 1, 1, 32, 32)))


def test_scores_of_segments_are_those_of_masks_of_pixels(segmented) -> None:
    values = torch.rand(3, 4, 1, 5, 5).round()
    assert torch.equal(segmented(values), segmented(segmented.to_pixels(values)))


def test_slots_follow_the_rows_of_a_score(segmented) -> None:
    values = torch.rand(3, 2, 1, 5, 5)
    numbers = torch.tensor([2, 0])
    part = segmented.rows(numbers)
    assert torch.equal(part.slots.labels, segmented.slots.labels[numbers])
    assert torch.equal(part(values[numbers]), segmented(values)[numbers])


def test_slots_of_other_images_are_refused(segmented) -> None:
    from dataclasses import replace

    with pytest.raises(InputError, match="segments are of other images"):
        replace(segmented, images=segmented.images[:2], targets=segmented.targets[:2])


def test_segments_of_an_image_do_not_depend_on_its_batch(slots, images) -> None:
    cells, framing = create("cells", "slic", n=20), Framing((32, 32))
    for image, labels in zip(images, slots.labels, strict=True):
        alone = bind_cells(cells, image[None], framing, [None])
        assert alone.side == slots.side
        assert torch.equal(alone.labels[0], labels)


def test_cells_of_the_grid_have_no_slots(images) -> None:
    assert bind_cells(create("cells", "grid"), images, Framing((32, 32)), [None] * 3) is None
    tiny = torch.rand(1, 3, 1, 1)
    assert bind_cells(create("cells", "grid"), tiny, Framing((1, 1)), [None]) is None


def test_a_weighted_top_counts_weights(slots) -> None:
    g = torch.Generator().manual_seed(0)
    scores = torch.randn(3, 25, generator=g, dtype=torch.double, requires_grad=True)
    weight = slots.sizes.flatten(1)
    top = soft_top_k(scores, 10.0, 0.1, weight)
    torch.testing.assert_close((top * weight).sum(1), torch.full((3,), 10.0).double())
    # a score counts as often as its weight says: the top of pixels
    pixels = scores.gather(1, slots.labels.flatten(1))
    share = 10 / 25 * pixels.shape[1]
    expected = soft_top_k(pixels, share, 0.1)
    torch.testing.assert_close(top.gather(1, slots.labels.flatten(1)), expected)
    (slope,) = torch.autograd.grad(top.gather(1, slots.labels.flatten(1)).square().sum(), scores)
    (by_pixel,) = torch.autograd.grad(expected.square().sum(), scores)
    torch.testing.assert_close(slope, by_pixel)


def test_sums_of_a_gpu_are_those_of_a_cpu(slots) -> None:
    """The other order of summation, which needs no GPU itself."""
    values, image = torch.rand(4, 1024), torch.tensor([2, 0, 0, 1])
    torch.testing.assert_close(slots._ordered_sums(values, image), slots._sums(values, image))


class Halves(Cells):
    """Two segments of a dark image, nine of a bright one, and no limit."""

    def segment(self, photo):
        rows = torch.arange(photo.shape[0])[:, None].expand(photo.shape)
        return rows * (2 if photo.image.mean() < 0.5 else 9) // photo.shape[0]


def test_cells_without_a_limit_do_not_depend_on_the_batch(images) -> None:
    dark, bright = torch.full_like(images[:1], 0.2), torch.full_like(images[:1], 0.8)
    framing = Framing((32, 32))
    assert bind_cells(Halves(), bright, framing, [None]).side == 3
    assert bind_cells(Halves(), dark.repeat(2, 1, 1, 1), framing, [None] * 2).side == 2
    with pytest.raises(InputError, match=r"2 to 9 segments.*one by one"):
        bind_cells(Halves(), torch.cat([dark, bright]), framing, [None] * 2)


def test_segments_of_one_image_are_numbered_alone(classifier, images) -> None:
    explanation = explain(classifier, images, "random", cells="slic:n=20")
    counts = explanation.provenance["segments"]
    assert explanation[1].provenance["segments"] == counts[1:2]
