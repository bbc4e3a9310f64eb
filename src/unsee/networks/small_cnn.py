"""A small classifier for small pictures."""

from jaxtyping import Float
from torch import Tensor, nn


class SmallCNN(nn.Module):
    """Two convolutions and two linear layers, as in sanity checks on MNIST.

    Takes pictures of at least 8 pixels a side. Adebayo et al., "Sanity Checks for Saliency Maps",
    NeurIPS 2018, https://arxiv.org/abs/1810.03292.
    """

    def __init__(self, channels: int, classes: int, width: int = 32, hidden: int = 256) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(channels, width, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(width, 2 * width, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.AdaptiveAvgPool2d(7),
        )
        self.hidden = nn.Linear(2 * width * 49, hidden)
        self.head = nn.Linear(hidden, classes)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n classes"]:
        """Return the logits."""
        logits: Tensor = self.head(self.hidden(self.features(x).flatten(1)).relu())
        return logits
