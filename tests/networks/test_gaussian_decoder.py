import pytest
import torch

from unsee.networks.activation import activation_map
from unsee.networks.gaussian_decoder import MIN_DEVIATION, GaussianDecoder


def test_initial_mean_is_the_class_activation_map() -> None:
    g = torch.Generator().manual_seed(0)
    rows, coarsest = torch.randn(5, 3, generator=g), torch.randn(2, 3, 4, 4, generator=g)
    features = [torch.rand(2, 4, 16, 16, generator=g), coarsest]
    probabilities = torch.eye(5)[[1, 3]]
    plain = torch.stack(
        [(coarsest[i].relu() * rows[k][:, None, None]).sum(0) for i, k in [(0, 1), (1, 3)]]
    )
    plain = (plain - plain.mean((1, 2), keepdim=True)) / plain.std((1, 2), keepdim=True)
    torch.testing.assert_close(
        activation_map(coarsest.relu(), probabilities @ rows, 4)[:, 0], plain
    )
    flat = activation_map(torch.ones(1, 3, 4, 4), rows[:1], 8)
    assert flat.min() == pytest.approx(flat.max())
    gaussian = GaussianDecoder((4, 3), width=6, side=4, rows=rows).eval()
    torch.nn.init.zeros_(gaussian.last.weight)
    torch.testing.assert_close(gaussian(features, probabilities).mean, plain / (1 + MIN_DEVIATION))
    assert GaussianDecoder((3, 4), width=6, side=4, rows=rows).rows is None

    gradient_decoder = GaussianDecoder(
        (4, 3), width=6, side=4, rows=rows, reads_gradients=True
    ).eval()
    torch.nn.init.zeros_(gradient_decoder.last.weight)
    signed = torch.randn(2, 1, 16, 16, generator=g)
    mean = gradient_decoder([*features, torch.cat([signed, signed.abs()], 1)], probabilities).mean
    cells = torch.nn.functional.avg_pool2d(signed, 4)[:, 0]
    cells = (cells - cells.mean((1, 2), keepdim=True)) / cells.std((1, 2), keepdim=True)
    expected = plain + cells / 2
    expected = (expected - expected.mean((1, 2), keepdim=True)) / (
        expected.std((1, 2), keepdim=True) + MIN_DEVIATION
    )
    torch.testing.assert_close(mean, expected, rtol=1e-4, atol=1e-4)


def test_each_photo_trains_one_head() -> None:
    torch.manual_seed(0)
    decoder = GaussianDecoder([4, 8], width=6, side=8, reads_gradients=True, heads=3).eval()
    torch.nn.init.normal_(decoder.last.weight, std=0.1)
    maps = [torch.randn(2, 4, 8, 8), torch.randn(2, 8, 4, 4), torch.randn(2, 2, 16, 16)]
    mixture = decoder(maps, torch.ones(2, 2) / 2)
    assert mixture.means.shape == mixture.log_variances.shape == (2, 3, 8, 8)
    mean, log_variance = mixture.component(torch.tensor([1, 1]))
    (mean.square().sum() + log_variance.sum()).backward()
    moved = decoder.last.weight.grad.flatten(1).abs().sum(1) > 0
    assert moved.tolist() == [False, False, True, True, False, False]
    joined = decoder.join[0].weight.grad.flatten(1).abs().sum(1).view(3, 6)
    assert (joined[1] > 0).all()
    assert not joined[[0, 2]].any()
