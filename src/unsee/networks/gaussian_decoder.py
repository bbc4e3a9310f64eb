"""A decoder that sees a classifier's feature maps and gives a Gaussian over maps."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from unsee.networks.activation import activation_map, standardised
from unsee.networks.mixture import Mixture, gaussians
from unsee.networks.narrow import check_features, narrow, on_grid
from unsee.networks.norm import BatchNorm

EVIDENCE = 0.5
"""Share of the evidence with which a mean begins."""
FLAT = 1e-3
"""What a mean deviates by is not made more of below it."""


class GaussianDecoder(nn.Module):
    """What `VariationalEncoder` gives, from what a classifier has seen instead of the image (ours).

    All feature maps are narrowed by 1 x 1 convolutions, brought to the side of the map and joined.
    With the `rows` (classes, d) of the classifier's last layer and coarsest maps of d channels, the
    mean begins as the class activation map of all classes, each as likely as it is said to be.
    With `evident` the last of the maps is evidence (n, 2, h, w), signed and not, of which the mean
    begins with a share as well; averaged over the cells of the map, of mean 0 and deviation 1.
    Several `heads` read the same narrowed maps and give a Gaussian each. All means are of mean 0
    and deviation 1: only the order of pixels counts, and heads can be compared.
    """

    rows: Tensor | None

    def __init__(
        self,
        channels: Sequence[int],
        width: int = 64,
        side: int = 28,
        rows: Tensor | None = None,
        evident: bool = False,
        heads: int = 1,
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
            nn.Conv2d(inputs, heads * width, 3, padding=1, bias=False),
            BatchNorm(heads * width),
            nn.ReLU(),
        )
        self.last = nn.Conv2d(heads * width, heads * 2, 3, padding=1, groups=heads)
        if self.rows is not None or evident:
            nn.init.zeros_(self.last.weight[::2])  # the means are what they begin as

    def forward(self, features: Sequence[Tensor], said: Float[Tensor, "n _classes"]) -> Mixture:
        """A Gaussian of each head; `said` are the classes' probabilities.

        Raises `InputError` for the feature maps of another network.
        """
        maps, start = list[Tensor](), torch.zeros(())
        if self.evidence is not None:
            *features, found = features
            found = standardised(on_grid(found, self.side), 1e-7)
            maps, start = [found], self.evidence * found[:, :1]
        check_features(features, self.channels)
        pairs = zip(self.narrow, features, strict=True)
        maps += [on_grid(layer(x), self.side) for layer, x in pairs]
        if self.rows is not None:
            seen = F.relu(features[-1])  # the classifier may be read before its ReLU
            cam = activation_map(seen, said @ self.rows, self.side)
            maps, start = [*maps, cam], cam + start
        mixture = gaussians(self.last(self.join(torch.cat(maps, 1))), start)
        return mixture._replace(means=standardised(mixture.means, FLAT))
