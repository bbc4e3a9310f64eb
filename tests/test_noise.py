import torch

from unsee.noise import ImageRandom, seeds_of

CPU = torch.device("cpu")


def test_an_image_draws_the_same_alone_and_in_a_batch() -> None:
    together = ImageRandom([3, 5, 7], CPU).normal(2, 4, 4)
    assert torch.equal(together[1:2], ImageRandom([5], CPU).normal(2, 4, 4))
    some = ImageRandom([3, 5, 7], CPU)
    some.normal(2, 4, 4)
    chosen = some.rows(torch.tensor([True, False, True]))
    assert torch.equal(chosen.normal(2, 4, 4), together[[0, 2]])
    assert torch.equal(chosen.normal(3, 4), ImageRandom([3, 7], CPU).normal(3, 4))


def test_steps_streams_and_kinds_are_independent() -> None:
    noise = ImageRandom([1], CPU)
    draws = [
        noise.normal(0, 1000),
        noise.normal(1, 1000),
        noise.normal(0, 1000, stream="other"),
        ImageRandom([2], CPU).normal(0, 1000),
    ]
    for i, one in enumerate(draws):
        for other in draws[:i]:
            assert torch.corrcoef(torch.cat([one, other])).fill_diagonal_(0).abs().max() < 0.15
    assert torch.equal(noise.normal(0, 1000), draws[0])


def test_seeds_follow_the_pixels_not_the_place() -> None:
    images = torch.rand(3, 3, 8, 8)
    seeds = seeds_of(images, 0)
    assert len(set(seeds)) == 3
    assert seeds_of(images.flip(0), 0) == seeds[::-1]
    assert seeds_of(images, 1) != seeds
    assert seeds_of(images.contiguous(memory_format=torch.channels_last), 0) == seeds
