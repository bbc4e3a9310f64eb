import torch

from unsee.noise import ImageRandom, seeds_of

CPU = torch.device("cpu")


def test_noise_is_independent_of_batch() -> None:
    batch = ImageRandom([3, 5, 7], CPU).normal(2, 4, 4)
    assert torch.equal(batch[1:2], ImageRandom([5], CPU).normal(2, 4, 4))
    random = ImageRandom([3, 5, 7], CPU)
    random.normal(2, 4, 4)
    rows = random.rows(torch.tensor([True, False, True]))
    assert torch.equal(rows.normal(2, 4, 4), batch[[0, 2]])
    assert torch.equal(rows.normal(3, 4), ImageRandom([3, 7], CPU).normal(3, 4))


def test_steps_streams_and_kinds_are_independent() -> None:
    noise = ImageRandom([1], CPU)
    draws = [
        noise.normal(0, 1000),
        noise.normal(1, 1000),
        noise.normal(0, 1000, stream="other"),
        ImageRandom([2], CPU).normal(0, 1000),
    ]
    for i, draw in enumerate(draws):
        for other in draws[:i]:
            assert torch.corrcoef(torch.cat([draw, other])).fill_diagonal_(0).abs().max() < 0.15
    assert torch.equal(noise.normal(0, 1000), draws[0])


def test_seeds_depend_on_pixels_and_not_on_order() -> None:
    images = torch.rand(3, 3, 8, 8)
    seeds = seeds_of(images, 0)
    assert len(set(seeds)) == 3
    assert seeds_of(images.flip(0), 0) == seeds[::-1]
    assert seeds_of(images, 1) != seeds
    assert seeds_of(images.contiguous(memory_format=torch.channels_last), 0) == seeds
