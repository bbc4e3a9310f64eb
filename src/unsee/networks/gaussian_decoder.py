"""A decoder from a classifier's feature maps to Gaussians over maps."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from unsee.networks.activation import activation_map, standardised
from unsee.networks.mixture import Mixture, gaussians
from unsee.networks.narrow import check_features, narrowing_convolutions, on_grid
from unsee.networks.norm import BatchNorm

INITIAL_EVIDENCE_WEIGHT = 0.5
"""Weight of the evidence in the means before training."""
MIN_DEVIATION = 1e-3
"""Added to the standard deviation of a mean map when it is standardised, so that noise in a
constant map is not amplified."""


class GaussianDecoder(nn.Module):
    """Predict Gaussians over maps from feature maps in place of the image (not in Kim et al.).

    1 x 1 convolutions bring all feature maps to `width` channels; the maps are resized to the grid
    and joined. Each head gives one Gaussian. All means have mean 0 and deviation 1 over the map:
    only the order of pixels counts, and heads can be compared.
    """

    rows: Tensor | None

    def __init__(
        self,
        channels: Sequence[int],
        width: int = 64,
        side: int = 28,
        rows: Tensor | None = None,
        reads_gradients: bool = False,
        heads: int = 1,
    ) -> None:
        """Initialise weights so that the means equal the inputs described below.

        Args:
            channels: Channels of each feature map, from fine to coarse.
            width: Channels of the decoder, for each head.
            side: Side of the map in cells.
            rows: Weights (classes, d) of the classifier's last layer. If the coarsest maps have d
                channels, the means begin as the class activation map of all classes, weighted by
                their probabilities.
            reads_gradients: The last feature map is gradient evidence (n, 2, h, w), signed and
                absolute; a share of the signed evidence is added to the means before training.
            heads: Number of Gaussians.
        """
        super().__init__()
        self.channels, self.width, self.side = tuple(channels), width, side
        self.evidence = (
            nn.Parameter(torch.tensor(INITIAL_EVIDENCE_WEIGHT)) if reads_gradients else None
        )
        if rows is not None and rows.shape[1] != self.channels[-1]:
            rows = None
        self.register_buffer("rows", rows, persistent=False)  # stored with the classifier
        self.narrow = narrowing_convolutions(self.channels, width)
        inputs = width * len(self.channels) + (rows is not None) + 2 * reads_gradients
        self.join = nn.Sequential(
            nn.Conv2d(inputs, heads * width, 3, padding=1, bias=False),
            BatchNorm(heads * width),
            nn.ReLU(),
        )
        self.last = nn.Conv2d(heads * width, heads * 2, 3, padding=1, groups=heads)
        if self.rows is not None or reads_gradients:
            nn.init.zeros_(self.last.weight[::2])

    def forward(
        self, features: Sequence[Tensor], probabilities: Float[Tensor, "n _classes"]
    ) -> Mixture:
        """Return one Gaussian for each head.

        Raises:
            InputError: The feature maps have other channels than the decoder expects.
        """
        maps, input_means = list[Tensor](), torch.zeros(())
        if self.evidence is not None:
            *features, evidence = features
            evidence = standardised(on_grid(evidence, self.side), 1e-7)
            maps, input_means = [evidence], self.evidence * evidence[:, :1]
        check_features(features, self.channels)
        pairs = zip(self.narrow, features, strict=True)
        maps += [on_grid(layer(x), self.side) for layer, x in pairs]
        if self.rows is not None:
            coarsest = F.relu(features[-1])  # the layer may be the one before the ReLU
            cam = activation_map(coarsest, probabilities @ self.rows, self.side)
            maps, input_means = [*maps, cam], cam + input_means
        mixture = gaussians(self.last(self.join(torch.cat(maps, 1))), input_means)
        return mixture._replace(means=standardised(mixture.means, MIN_DEVIATION))
