"""A small network for small pictures."""

from jaxtyping import Float
from torch import Tensor, nn


class SmallCNN(nn.Module):
    """Two convolutions and two linear layers, as sanity checks use on MNIST (Adebayo et al. 2018).

    Takes pictures (n, channels, h, w) of any size from 8 pixels on, gives logits (n, classes).
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
        """The logits."""
        logits: Tensor = self.head(self.hidden(self.features(x).flatten(1)).relu())
        return logits
