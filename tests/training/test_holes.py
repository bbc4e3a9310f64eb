import pytest
import torch

from unsee.training import holes


@pytest.mark.parametrize("kind", [kind for kind, _ in holes.KINDS])
def test_holes_are_binary_and_vary_in_size(kind) -> None:
    keep = kind(40, (48, 64), torch.Generator().manual_seed(0))
    assert keep.shape == (40, 1, 48, 64)
    assert set(keep.unique().tolist()) <= {0.0, 1.0}
    share = keep.mean((1, 2, 3))
    assert share.std() > 0.05
    assert ((share > 0) & (share < 1)).float().mean() > 0.8


def test_draw_mixes_kinds_and_repeats_with_the_seed() -> None:
    first, second = (holes.draw(20, (32, 32), torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, second)
    assert len({float(keep.mean()) for keep in first}) > 10
