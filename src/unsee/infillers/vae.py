"""FIDO's completion autoencoder."""

from dataclasses import dataclass
from typing import ClassVar

from unsee.infillers._generative import Network, Sampling
from unsee.networks import weights as files
from unsee.networks.completion import CompletionVAE

__all__ = ["VAE"]


@dataclass(frozen=True)
class VAE(Sampling):
    """A completion autoencoder (Chang et al., ICLR 2019, after Iizuka et al. 2017).

    FIDO's own weights were never published with names of layers; these are in ours.
    """

    stream: ClassVar[str] = "vae"
    published: ClassVar[files.Published] = files.Published(
        "completion_vae.safetensors", "your own training of networks/completion.py", "yours"
    )

    weights: str = ""
    """Path of a .safetensors or .pth file."""
    samples: int = 0
    """Different samples of the code; 0 takes its mean, as FIDO does."""

    def load(self) -> Network:
        """In the width that the weights have."""
        if self.weights == files.RANDOM:
            return files.untrained(CompletionVAE, 8, 4)
        path = files.find(self.weights, self.published)
        found = files.load(path)
        sizes = [
            found[key].shape[0] if key in found else 64
            for key in ("encoder.0.0.weight", "code.weight")
        ]
        return files.load_into(CompletionVAE(sizes[0], sizes[1] // 2), found, path)
