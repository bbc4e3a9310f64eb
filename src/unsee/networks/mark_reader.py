"""A small network that recognises signs at any place of a picture."""

from jaxtyping import Float
from torch import Tensor, nn

WIDTHS = (3, 16, 32, 64, 96, 96)
"""Channels of the picture and of the outputs of the convolutions."""
STRIDES = (2, 2, 2, 2, 1)


class MarkReader(nn.Module):
    """Five convolutions with batch normalisation and ReLU, the maximum over places, a linear head.

    A cell of the last feature map stands for 16 x 16 pixels and sees 65 x 65, more than a sign. The
    maximum makes it irrelevant how much of the picture a sign covers, and how often it occurs.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for number, stride in enumerate(STRIDES):
            kernel = 5 if number == 0 else 3
            inputs, outputs = WIDTHS[number : number + 2]
            layers += [
                nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
                nn.BatchNorm2d(outputs),
                nn.ReLU(),
            ]
        self.features = nn.Sequential(*layers)
        self.head = nn.Linear(WIDTHS[-1], classes)

    def forward(self, x: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n classes"]:
        """Return the logits."""
        logits: Tensor = self.head(self.features(x).amax((2, 3)))
        return logits
