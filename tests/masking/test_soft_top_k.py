import pytest
import torch

from unsee import InputError
from unsee.masking.soft_top_k import soft_top_k


@pytest.fixture
def g():
    return torch.Generator().manual_seed(0)


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
def test_soft_top_k_equals_the_limit_of_sinkhorn(g, epsilon) -> None:
    scores = torch.rand(60, generator=g, dtype=torch.float64)
    largest = max((scores**2).max(), ((scores - 1) ** 2).max())
    got = soft_top_k(scores, torch.tensor(13.0), temperature=float(epsilon * largest / 2))
    torch.testing.assert_close(got, sinkhorn(scores, 13.0, epsilon, 20_000), atol=1e-6, rtol=1e-4)
    assert got.sum().item() == pytest.approx(13, abs=1e-5)


def test_soft_top_k_passes_gradcheck_and_sums_at_full_size(g) -> None:
    scores = torch.rand(2, 9, generator=g, dtype=torch.float64, requires_grad=True)
    count = torch.tensor([2.0, 5.5], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda s: soft_top_k(s, count, 0.2), scores)
    large = soft_top_k(torch.rand(50_176, generator=g), torch.tensor(7526.0), 0.05)
    assert large.double().sum().item() == pytest.approx(7526, rel=1e-6)


def test_a_plain_number_is_the_count_of_all_rows(g) -> None:
    scores = torch.rand(2, 9, generator=g)
    expected = soft_top_k(scores, torch.tensor([5.0, 5.0]))
    assert torch.equal(soft_top_k(scores, 5), expected)
    with pytest.raises(InputError, match="expected counts in"):
        soft_top_k(scores, 10)


@pytest.mark.parametrize(("n", "k", "scale"), [(784, 100.0, 1.0), (50, 0.5, 30.0), (9, 8.9, 0.0)])
def test_memberships_sum_to_the_count(n, k, scale) -> None:
    scores = scale * torch.randn(3, n, generator=torch.Generator().manual_seed(0)).double()
    count = torch.full((3,), k).double()
    top = soft_top_k(scores, count)
    torch.testing.assert_close(top.sum(1), count, atol=1e-6, rtol=0)
    assert ((top > 0) & (top <= 1)).all()


@pytest.mark.parametrize(("n", "k", "scale"), [(784, 100, 1.0), (50, 1, 30.0)])
def test_low_temperature_selects_the_top(n, k, scale) -> None:
    scores = scale * torch.randn(3, n, generator=torch.Generator().manual_seed(0)).double()
    top = soft_top_k(scores, torch.full((3,), float(k)).double(), temperature=1e-4)
    assert (top.gather(1, scores.topk(k, 1).indices) > 0.5).all()
