"""Interface of a training task, and the settings that all trainings share."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

from jaxtyping import Float
from torch import Tensor

from unsee.classifiers.answers import Answers
from unsee.output.trackers import Tracker
from unsee.training.crops import Crops
from unsee.training.photos import PhotoSet, load_squares
from unsee.types import Targets


@dataclass(frozen=True)
class Training:
    """Settings that all trainings share."""

    data: tuple[str, ...] = ()
    """Folders and zip files of photos."""
    out: Path = Path("unsee-training")
    """Folder of the run: checkpoint, weights, previews and log. An existing run is resumed."""
    steps: int = 20_000
    """Number of training steps."""
    batch: int = 32
    """Number of photos per step, summed over all processes."""
    stored_size: int = 256
    """Side, in pixels, at which photos are held in memory."""
    held_out: int = 64
    """Number of validation photos. They appear in the previews and, for `variational` and
    `distilled`, select the best weights."""
    seed: int = 0
    """Seed of the crops, the noise and the initial weights."""
    precision: Literal["no", "bf16", "fp16"] = "no"
    """Mixed precision."""
    workers: int = 2
    """Number of worker processes that prepare crops."""
    save_every: int = 500
    """Number of steps between checkpoints; each comes with a validation loss and a preview."""
    minutes: float | None = None
    """Time limit in minutes, after which the run saves a checkpoint and stops; default: none."""
    tracker: tuple[Tracker, ...] = ()
    """Programs that show the losses, which are written to this machine: tensorboard, wandb or
    trackio; default: TensorBoard if it is installed."""

    def photos(self) -> PhotoSet:
        """Load all photos into memory."""
        return PhotoSet(load_squares(self.data, self.stored_size), None)


class Batch(NamedTuple):
    """The photos of one step that this process trains on, or the validation photos."""

    pixels: Float[Tensor, "n c h w"]
    targets: Targets | None
    """Labelled classes; None where the classifier's prediction serves as the label."""
    first: int
    """Index, within the step, of the first photo of this process."""
    total: int
    """Number of photos in the step, summed over all processes."""

    def local_rows(self, step_values: Tensor) -> Tensor:
        """Return the rows for this batch, of values that were drawn for all photos of the step.

        A photo's noise therefore does not depend on the number of processes.
        """
        return step_values[self.first : self.first + len(self.pixels)]

    def select(self, rows: slice) -> "Batch":
        """Return the photos at `rows`."""
        targets = None if self.targets is None else self.targets[rows]
        return self._replace(pixels=self.pixels[rows], targets=targets)


class TrainingTask(ABC):
    """The networks to train and their training step, which `trainer.run` repeats."""

    weights_file: ClassVar[str]
    """File name of the trained weights."""
    keeps_best: ClassVar[bool] = True
    """Whether the weights of the lowest validation loss are saved, instead of the last ones."""
    snapshots: Sequence[dict[str, Tensor]] = ()
    """Earlier states of a network that the training still needs; part of the checkpoint."""
    photos: str = ""
    """Digest of the photos; part of the checkpoint, which continues with the same ones only."""

    answers: Answers | None = None
    """What the classifier says about fixed pictures; part of the checkpoint and the weights."""
    files: dict[str, str] = {}  # noqa: RUF012  # replaced, never changed
    """Digests of the files that the settings name; part of the checkpoint."""

    @abstractmethod
    def __init__(self, config: Any, accelerator: Any) -> None:
        """Make the networks for the settings of the training and Accelerate's `Accelerator`."""

    @property
    @abstractmethod
    def size(self) -> int:
        """Side of the crops in pixels."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """Return the networks and optimisers by their key in the checkpoint file.

        The keys are part of the file format. Each value has `state_dict` and `load_state_dict`.
        """

    @abstractmethod
    def training_step(self, step: int, batch: Batch) -> dict[str, float]:
        """Make one training step and return its losses by name. The first step is 0."""

    @abstractmethod
    def weights(self) -> tuple[dict[str, Tensor], dict[str, str]]:
        """Return the tensors and the metadata of the weights file."""

    @abstractmethod
    def draw_preview(self, batch: Batch, path: Path) -> None:
        """Draw the present results on `batch` to `path`; the task sets the file suffix."""

    def classifier_answers(self) -> Answers | None:
        """Return what the classifier says about fixed pictures; None for a task without one."""
        return None

    def crops(self, photos: PhotoSet, seed: int) -> Crops:
        """Return the data set of random crops that the networks are trained on."""
        return Crops(photos.pictures, self.size, seed)

    def validation_loss(self, batch: Batch) -> float | None:
        """Return the loss on validation photos; None for a task that saves the last weights."""
        return None
