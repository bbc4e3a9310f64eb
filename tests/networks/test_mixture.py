import torch

from unsee.networks.mixture import Mixture


def test_deviation_includes_the_disagreement_of_gaussians() -> None:
    means = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    mixture = Mixture(means, torch.full_like(means, 0.25).log())
    torch.testing.assert_close(mixture.mean, means.mean(1))
    expected = (means.std(1, correction=0) ** 2 + 0.25).sqrt()
    torch.testing.assert_close(mixture.deviation, expected)
    mean, log_variance = mixture.component(torch.tensor([2, 0]))
    torch.testing.assert_close(mean, torch.stack([means[0, 2], means[1, 0]]))
    torch.testing.assert_close(log_variance.exp(), torch.full((2, 4, 4), 0.25))
    single = Mixture(means[:, :1], torch.zeros(2, 1, 4, 4))
    torch.testing.assert_close(single.deviation, torch.ones(2, 4, 4))
