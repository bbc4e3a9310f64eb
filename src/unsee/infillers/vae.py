"""FIDO's completion autoencoder."""

from dataclasses import dataclass
from typing import Any, ClassVar

from unsee import weights as files
from unsee.infillers._generative import Generative, Network
from unsee.infillers.base import Rows, Scene
from unsee.networks.completion import CompletionVAE
from unsee.types import FlatKeep, Variants

__all__ = ["VAE"]


@dataclass(frozen=True)
class VAE(Generative):
    """A completion autoencoder (Chang et al., ICLR 2019, after Iizuka et al. 2017).

    FIDO's own weights were never published with names of layers; these are in ours.
    """

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
        return files.fit(CompletionVAE(sizes[0], sizes[1] // 2), found, path)

    def paint(
        self, network: Any, shown: Variants, keep: FlatKeep, rows: Rows, scene: Scene
    ) -> Variants:
        """All masks at once, each image's noise its own."""
        noise = None
        if self.samples:
            drawn = scene.random.normal(0, self.samples, network.noise, stream="vae")
            noise = drawn[rows.image, rows.variant % self.samples]
        painted: Variants = network(shown, keep, noise)
        return painted
