"""A decoder that sees a classifier's feature maps and gives a Gaussian over maps."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from unsee.networks.activation import activation_map, standardised
from unsee.networks.narrow import check_features, narrow, on_grid
from unsee.networks.norm import BatchNorm
from unsee.networks.variational_encoder import steadied

EVIDENCE = 0.5
"""Share of the evidence with which a mean begins."""


class GaussianDecoder(nn.Module):
    """What `VariationalEncoder` gives, from what a classifier has seen instead of the image (ours).

    All feature maps are narrowed by 1 x 1 convolutions, brought to the side of the map and joined.
    With the `rows` (classes, d) of the classifier's last layer and coarsest maps of d channels, the
    mean begins as the class activation map of all classes, each as likely as it is said to be.
    With `evident` the last of the maps is evidence (n, 2, h, w), signed and not, of which the mean
    begins with a share as well; averaged over the cells of the map, of mean 0 and deviation 1.
    """

    rows: Tensor | None

    def __init__(
        self,
        channels: Sequence[int],
        width: int = 64,
        side: int = 28,
        rows: Tensor | None = None,
        evident: bool = False,
    ) -> None:
        super().__init__()
        self.channels, self.width, self.side = tuple(channels), width, side
        self.evidence = nn.Parameter(torch.tensor(EVIDENCE)) if evident else None
        if rows is not None and rows.shape[1] != self.channels[-1]:
            rows = None
        self.register_buffer("rows", rows, persistent=False)  # the classifier has them
        self.narrow = narrow(self.channels, width)
        inputs = width * len(self.channels) + (rows is not None) + 2 * evident
        self.join = nn.Sequential(
            nn.Conv2d(inputs, width, 3, padding=1, bias=False),
            BatchNorm(width),
            nn.ReLU(),
        )
        self.last = nn.Conv2d(width, 2, 3, padding=1)
        if self.rows is not None or evident:
            nn.init.zeros_(self.last.weight[:1])  # the mean is what it begins as

    def forward(
        self, features: Sequence[Tensor], said: Float[Tensor, "n _classes"]
    ) -> tuple[Float[Tensor, "n _gh _gw"], Float[Tensor, "n _gh _gw"]]:
        """Mean and log variance of each pixel of a map; `said` are the classes' probabilities.

        Raises `InputError` for the feature maps of another network.
        """
        maps, start = list[Tensor](), torch.zeros(())
        if self.evidence is not None:
            *features, found = features
            found = standardised(on_grid(found, self.side), 1e-7)
            maps, start = [found], self.evidence * found[:, 0]
        check_features(features, self.channels)
        pairs = zip(self.narrow, features, strict=True)
        maps += [on_grid(layer(x), self.side) for layer, x in pairs]
        if self.rows is not None:
            seen = F.relu(features[-1])  # the classifier may be read before its ReLU
            cam = activation_map(seen, said @ self.rows, self.side)
            maps, start = [*maps, cam], cam[:, 0] + start
        mean, log_variance = self.last(self.join(torch.cat(maps, 1))).unbind(1)
        return mean + start, steadied(log_variance)
