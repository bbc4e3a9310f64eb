"""What is trained, and by which rule: what every training tells the loop."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

from jaxtyping import Float
from torch import Tensor

from unsee.training.crops import Crops
from unsee.training.photos import Labelled, squares
from unsee.types import Targets

SHOWN = 12
"""Photos in a picture."""


@dataclass(frozen=True)
class Training:
    """Settings of every training."""

    data: tuple[str, ...] = ()
    """Folders and zip files of photos."""
    out: Path = Path("unsee-training")
    """Folder for checkpoints and weights; a run in it is continued."""
    steps: int = 20_000
    """Steps in all."""
    batch: int = 32
    """Photos per step, of all processes together."""
    keep: int = 256
    """Side at which photos are kept in memory."""
    held_out: int = 64
    """Photos that are not trained on: for pictures, and to choose the best weights."""
    seed: int = 0
    """Of photos, noise and weights."""
    precision: Literal["no", "bf16", "fp16"] = "no"
    """Mixed precision."""
    workers: int = 2
    """Processes that cut crops."""
    save_every: int = 500
    """Steps between checkpoints, with a picture and a look at held-out photos."""
    minutes: float = 0
    """Stop after so long with a checkpoint; 0 goes on to the end."""

    def photos(self) -> Labelled:
        """All of them, in memory."""
        return Labelled(squares(self.data, self.keep), None)


class Batch(NamedTuple):
    """Photos of a step, or held-out ones."""

    pixels: Float[Tensor, "n c h w"]
    targets: Targets | None
    """Labelled classes; None asks the classifier."""
    first: int
    """Number of the first photo of this process in the step: noise belongs to photos."""
    total: int
    """Photos of all processes."""

    def own(self, of_all: Tensor) -> Tensor:
        """Of something drawn for the photos of all processes, what belongs to these."""
        return of_all[self.first : self.first + len(self.pixels)]

    def part(self, chosen: slice) -> "Batch":
        """Some of its photos."""
        targets = None if self.targets is None else self.targets[chosen]
        return self._replace(pixels=self.pixels[chosen], targets=targets)


class Game(ABC):
    """What is trained and by which rule. `loop.run` does the rest."""

    file: ClassVar[str]
    """Name of the weights."""
    fixed: ClassVar[tuple[str, ...]] = (
        "batch", "seed", "steps", "keep", "held_out", "precision",
    )  # fmt: skip
    """Settings that a run keeps when it is continued."""
    early: ClassVar[bool] = True
    """Keep the weights of the least loss on held-out photos, not the last."""
    past: Sequence[dict[str, Tensor]] = ()
    """What else a checkpoint must hold: networks as they were."""

    @property
    @abstractmethod
    def size(self) -> int:
        """Side of the crops."""

    @abstractmethod
    def states(self) -> dict[str, Any]:
        """Networks and optimisers: whatever has a `state_dict`."""

    @abstractmethod
    def move(self, step: int, batch: Batch) -> dict[str, float]:
        """One step; the losses, to be watched."""

    @abstractmethod
    def weights(self) -> tuple[dict[str, Tensor], dict[str, str]]:
        """Tensors and words for the file of weights."""

    @abstractmethod
    def show(self, few: Batch, path: Path) -> None:
        """A picture of how far it is, to `path` with a suffix of its own."""

    def crops(self, photos: Labelled, seed: int) -> Crops:
        """What is trained on."""
        return Crops(photos.pictures, self.size, seed)

    def shortcoming(self, batch: Batch) -> float | None:
        """Loss on held-out photos; None where the last weights are the best."""
        return None
