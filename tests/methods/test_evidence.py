import torch

from unsee.images.filters import gaussian_blur
from unsee.methods._evidence import GradientEvidence


def test_evidence_is_the_first_order_change_of_a_blurred_pixel() -> None:
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.Flatten(), torch.nn.Linear(4 * 14 * 14, 2)
    )
    x = torch.randn(2, 3, 16, 16)
    logits, (maps, evidence) = GradientEvidence(network, ["0"])(x)
    torch.testing.assert_close(logits, network(x).detach())
    assert maps.shape == (2, 4, 14, 14)
    assert evidence.shape == (2, 2, 16, 16)
    assert not any(tensor.requires_grad for tensor in (logits, maps, evidence))
    assert all(p.grad is None for p in network.parameters())
    top = logits.argmax(1)
    weight = (network[2].weight[top] - network[2].weight[1 - top]).view(2, 4, 14, 14)
    gradient = torch.nn.functional.conv_transpose2d(weight, network[0].weight)  # all is linear
    change = gradient * (x - gaussian_blur(x, 5, 11))
    torch.testing.assert_close(evidence[:, 0], change.sum(1).detach(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(evidence[:, 1], change.abs().sum(1).detach(), rtol=1e-4, atol=1e-5)
