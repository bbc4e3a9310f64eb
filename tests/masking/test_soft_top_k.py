import pytest
import torch

from unsee.masking.masks import soft_top_k


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


def test_gradient_equals_finite_differences() -> None:
    scores = torch.randn(2, 12, dtype=torch.double, requires_grad=True)
    count = torch.tensor([3.0, 7.5], dtype=torch.double)
    assert torch.autograd.gradcheck(lambda s: soft_top_k(s, count, 0.5), scores)
