import numpy as np
import torch

from unsee.training.top_share import spread_shares, top_share_mask, uniform_shares


def test_mask_sums_to_its_share() -> None:
    scores = torch.randn(3, 10, 10, generator=torch.Generator().manual_seed(0))
    shares = torch.tensor([0.05, 0.3, 1.0])
    np.testing.assert_allclose(
        top_share_mask(scores, shares, 0.1).sum((1, 2)), 100 * shares, rtol=1e-4
    )
    hard = top_share_mask(scores, torch.full((3,), 0.1), 1e-3) > 0.5
    assert torch.equal(hard.flatten(1).sum(1), torch.tensor([10, 10, 10]))
    for values, top in zip(scores, hard, strict=True):
        assert values[top].min() > values[~top].max()


def test_mask_is_invariant_to_scale_and_robust_to_an_outlier() -> None:
    scores = torch.randn(1, 10, 10, generator=torch.Generator().manual_seed(0))
    share = torch.tensor([0.3])
    plain = top_share_mask(scores, share, 0.1)
    torch.testing.assert_close(top_share_mask(5 * scores + 2, share, 0.1), plain)
    outlier = scores.clone()
    outlier[0, 0, 0] = 8.0
    assert top_share_mask(outlier, share, 0.1).std() > 0.8 * plain.std()
    assert top_share_mask(0 * scores, share, 0.1).allclose(share)


def test_shares_lie_in_their_range() -> None:
    uniform = torch.tensor([0.0, 0.3, 0.999])
    torch.testing.assert_close(uniform_shares(uniform), torch.tensor([0.01, 0.3, 0.99]))
    ends = spread_shares(torch.tensor([0.0, 0.5, 1.0]), 0.2, 4.0)
    torch.testing.assert_close(ends, torch.tensor([0.05, 0.2, 0.8]))
    assert (spread_shares(uniform, 0.2, 1.0) == 0.2).all()
