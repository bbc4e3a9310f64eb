import torch

from unsee.networks.variational_encoder import PUBLISHED_WIDTHS, VariationalEncoder


def test_encoder_has_the_published_layers() -> None:
    assert len(PUBLISHED_WIDTHS) == 16
    encoder = VariationalEncoder()
    assert sum(isinstance(m, torch.nn.Conv2d) for m in encoder.modules()) == 17
    means, log_variances = encoder.eval()(torch.rand(1, 3, 20, 28))
    assert means.shape == log_variances.shape == (1, 1, 20, 28)
    small = VariationalEncoder(widths=(4,), side=8).eval()
    assert small(torch.rand(2, 3, 20, 20)).mean.shape == (2, 8, 8)
