"""The completion autoencoder of FIDO."""

from dataclasses import dataclass
from typing import ClassVar

from unsee.infillers._generative import Network, SamplingInfiller
from unsee.networks import weights as files
from unsee.networks.completion import CompletionVAE
from unsee.networks.reading import read

__all__ = ["VAE"]

UNTRAINED_WIDTH, UNTRAINED_LATENT = 8, 4
"""Sizes of the network with `weights = "random"`."""


@dataclass(frozen=True)
class VAE(SamplingInfiller):
    """A reconstruction by a completion autoencoder, as in FIDO.

    Depends on the mask. Without `samples` it is deterministic; with them the masks of an image get
    several results in turn. FIDO's weights are not published in a usable form: `unsee train vae`
    trains yours.

    Chang et al., "Explaining Image Classifiers by Counterfactual Generation", ICLR 2019,
    https://arxiv.org/abs/1807.08024.
    """

    stream: ClassVar[str] = "vae"
    published: ClassVar[files.Published] = files.Published(
        "completion_vae.safetensors", "your own training: unsee train vae", "yours"
    )

    weights: str | None = None
    """Path of a .safetensors or .pth file; default: completion_vae.safetensors in the cache
    folder."""
    samples: int | None = None
    """Number of samples of the code; default: the mean of the code for all masks, as in FIDO."""

    def load(self) -> Network:
        """Read the weights; the sizes of the network are those of the weights."""
        if self.weights == files.RANDOM:
            return files.untrained(CompletionVAE, UNTRAINED_WIDTH, UNTRAINED_LATENT)
        path = files.find(self.weights, self.published)
        weights = read(path)
        width, latent = (
            weights[key].shape[0] // parts if key in weights else 64
            for key, parts in (("encoder.0.0.weight", 1), ("code.weight", 2))
        )
        return files.load_into(CompletionVAE(width, latent), weights, path)
