import pytest
import torch
from torch.distributions import MultivariateNormal, kl_divergence

from unsee import InputError
from unsee.training.soft_tv_prior import SoftTV


@pytest.fixture
def g():
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize(("length", "variance"), [(0.8, 1.0), (2.0, 0.3), (4.0, 2.5)])
def test_divergence_equals_that_of_torch(g, length, variance) -> None:
    h, w = 5, 7
    prior = SoftTV(h, w, length, variance)
    mean = torch.randn(3, h, w, generator=g, dtype=torch.float64)
    spread = torch.rand(3, h, w, generator=g, dtype=torch.float64) + 0.1
    sigma = variance * torch.kron(*prior.factors)
    full = MultivariateNormal(torch.zeros(h * w, dtype=torch.float64), sigma)
    for i, divergence in enumerate(prior.divergence(mean, spread)):
        diagonal = MultivariateNormal(mean[i].flatten(), torch.diag(spread[i].flatten()))
        expected = kl_divergence(diagonal, full)
        torch.testing.assert_close(divergence, expected, rtol=1e-5, atol=1e-5)


def test_divergence_is_differentiable_and_zero_only_at_the_prior(g) -> None:
    prior = SoftTV(4, 3, 1.0)
    mean = torch.randn(2, 4, 3, generator=g, dtype=torch.float64, requires_grad=True)
    spread = (torch.rand(2, 4, 3, generator=g, dtype=torch.float64) + 0.1).requires_grad_()
    assert torch.autograd.gradcheck(prior.divergence, (mean, spread))
    flat = SoftTV(4, 3, 1e-3, 0.7, nugget=0.0)  # independent pixels
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


def test_samples_have_the_covariance_of_the_prior(g) -> None:
    prior = SoftTV(6, 5, 1.5, 2.0)
    x = prior.sample(40_000, g).flatten(1).double()
    expected = 2.0 * torch.kron(*prior.factors)
    assert (x.T @ x / len(x) - expected).abs().max() < 0.1


def test_nearest_variances_minimise_the_divergence() -> None:
    prior = SoftTV(5, 4, 1.5, 0.7, nugget=0.1)
    mean, best = torch.zeros(1, 5, 4), prior.nearest[None]
    smallest = prior.divergence(mean.double(), best)
    for factor in (0.5, 0.9, 1.1, 2.0):
        assert prior.divergence(mean.double(), best * factor) > smallest


def test_prior_refuses_a_length_that_is_too_large() -> None:
    with pytest.raises(InputError, match=r"not positive definite at length 500"):
        SoftTV(64, 64, 500.0, nugget=0.0).divergence(torch.zeros(1, 64, 64), torch.ones(1, 64, 64))
    with pytest.raises(InputError, match="length > 0"):
        SoftTV(4, 4, 0.0)
