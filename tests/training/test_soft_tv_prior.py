"""The Soft-TV prior and the soft top-k against slow and certain ways."""

import pytest
import torch
from torch.distributions import MultivariateNormal, kl_divergence

from unsee import InputError
from unsee.masking import masks
from unsee.training.soft_tv_prior import SoftTV


@pytest.fixture
def g():
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize(("length", "variance"), [(0.8, 1.0), (2.0, 0.3), (4.0, 2.5)])
def test_divergence_is_that_of_torch(g, length, variance) -> None:
    h, w = 5, 7
    prior = SoftTV(h, w, length, variance)
    mean = torch.randn(3, h, w, generator=g, dtype=torch.float64)
    spread = torch.rand(3, h, w, generator=g, dtype=torch.float64) + 0.1
    sigma = variance * torch.kron(*prior.factors)
    full = MultivariateNormal(torch.zeros(h * w, dtype=torch.float64), sigma)
    for i, got in enumerate(prior.divergence(mean, spread)):
        diagonal = MultivariateNormal(mean[i].flatten(), torch.diag(spread[i].flatten()))
        expected = kl_divergence(diagonal, full)
        torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-5)


def test_divergence_is_differentiable_and_zero_only_at_the_prior(g) -> None:
    prior = SoftTV(4, 3, 1.0)
    mean = torch.randn(2, 4, 3, generator=g, dtype=torch.float64, requires_grad=True)
    spread = (torch.rand(2, 4, 3, generator=g, dtype=torch.float64) + 0.1).requires_grad_()
    assert torch.autograd.gradcheck(prior.divergence, (mean, spread))
    flat = SoftTV(4, 3, 1e-3, 0.7, nugget=0.0)  # no pixel knows its neighbour: a plain Gaussian
    same = flat.divergence(torch.zeros(1, 4, 3), torch.full((1, 4, 3), 0.7))
    assert same.item() == pytest.approx(0, abs=1e-5)
    assert (prior.divergence(mean, spread) > 0).all()


def test_divergence_prefers_smooth_maps_and_runs_at_full_size(g) -> None:
    prior = SoftTV(224, 224, 4.0)
    smooth = prior.sample(1, g)
    rough = smooth.flatten()[torch.randperm(224 * 224, generator=g)].view(1, 224, 224)
    spread = torch.full((1, 224, 224), 0.01)
    assert prior.divergence(smooth, spread) < prior.divergence(rough, spread) / 10
    assert prior.divergence(smooth, spread).isfinite()


def test_samples_have_the_covariance(g) -> None:
    prior = SoftTV(6, 5, 1.5, 2.0)
    x = prior.sample(40_000, g).flatten(1).double()
    wanted = 2.0 * torch.kron(*prior.factors)
    assert (x.T @ x / len(x) - wanted).abs().max() < 0.1


def test_the_nearest_independent_pixels_are_nearest() -> None:
    prior = SoftTV(5, 4, 1.5, 0.7, nugget=0.1)
    mean, best = torch.zeros(1, 5, 4), prior.nearest[None]
    least = prior.divergence(mean.double(), best)
    for factor in (0.5, 0.9, 1.1, 2.0):
        assert prior.divergence(mean.double(), best * factor) > least


def test_an_impossible_length_scale_is_said() -> None:
    with pytest.raises(InputError, match=r"not positive definite at length-scale 500"):
        SoftTV(64, 64, 500.0, nugget=0.0).divergence(torch.zeros(1, 64, 64), torch.ones(1, 64, 64))
    with pytest.raises(InputError, match="length > 0"):
        SoftTV(4, 4, 0.0)


def sinkhorn(scores: torch.Tensor, count: float, epsilon: float, rounds: int) -> torch.Tensor:
    """Log-domain Sinkhorn between n scores and the anchors 0 and 1 (Xie et al. 2020)."""
    n = len(scores)
    cost = torch.stack([scores**2, (scores - 1) ** 2], 1)
    cost = cost / cost.max()
    a = torch.full((n,), 1 / n, dtype=scores.dtype).log()
    b = torch.tensor([1 - count / n, count / n], dtype=scores.dtype).log()
    f, g_ = torch.zeros(n, dtype=scores.dtype), torch.zeros(2, dtype=scores.dtype)
    for _ in range(rounds):
        f = epsilon * (a - ((g_ - cost) / epsilon).logsumexp(1))
        g_ = epsilon * (b - ((f[:, None] - cost) / epsilon).logsumexp(0))
    return n * ((f[:, None] + g_ - cost) / epsilon).exp()[:, 1]


@pytest.mark.parametrize("epsilon", [1.0, 0.1, 0.03])
def test_soft_top_k_is_where_sinkhorn_converges(g, epsilon) -> None:
    scores = torch.rand(60, generator=g, dtype=torch.float64)
    largest = max((scores**2).max(), ((scores - 1) ** 2).max())
    got = masks.soft_top_k(scores, torch.tensor(13.0), temperature=float(epsilon * largest / 2))
    torch.testing.assert_close(got, sinkhorn(scores, 13.0, epsilon, 20_000), atol=1e-6, rtol=1e-4)
    assert got.sum().item() == pytest.approx(13, abs=1e-5)


def test_soft_top_k_passes_gradcheck_and_sums_at_full_size(g) -> None:
    scores = torch.rand(2, 9, generator=g, dtype=torch.float64, requires_grad=True)
    count = torch.tensor([2.0, 5.5], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda s: masks.soft_top_k(s, count, 0.2), scores)
    large = masks.soft_top_k(torch.rand(50_176, generator=g), torch.tensor(7526.0), 0.05)
    assert large.double().sum().item() == pytest.approx(7526, rel=1e-6)
