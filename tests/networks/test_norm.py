import torch

from unsee.networks.norm import BatchNorm


def test_batch_norm_of_one_process_equals_torch() -> None:
    x = torch.randn(4, 3, 5, 5)
    ours, theirs = BatchNorm(3), torch.nn.BatchNorm2d(3)
    torch.testing.assert_close(ours(x), theirs(x))
    assert ours.state_dict().keys() == theirs.state_dict().keys()
