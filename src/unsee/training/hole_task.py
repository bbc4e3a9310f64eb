"""What the trainings of all in-filling networks share: crops with holes, and fixed holes."""

from abc import abstractmethod

import torch
from torch import Tensor

from unsee.training import holes
from unsee.training.crops import CropsWithHoles
from unsee.training.photos import PhotoSet
from unsee.training.task import Training, TrainingTask


class HoleTask(TrainingTask):
    """A training whose network fills holes in photos."""

    @property
    @abstractmethod
    def settings(self) -> Training:
        """Settings of the training."""

    def crops(self, photos: PhotoSet, seed: int) -> CropsWithHoles:
        """Return crops with holes, from pixels at their stored size up to whole photos."""
        min_side = self.size / self.settings.stored_size
        return CropsWithHoles(photos.pictures, self.size, seed, min_side)

    def validation_holes(self, pixels: Tensor) -> Tensor:
        """Return one hole mask per photo; the same in every call."""
        g = torch.Generator().manual_seed(self.settings.seed)
        return holes.draw(len(pixels), (self.size, self.size), g).to(pixels)


def split_channels(crops: Tensor) -> tuple[Tensor, Tensor]:
    """Return the photos and the hole masks of crops (n, 4, h, w)."""
    x = crops[:, :3].contiguous(memory_format=torch.channels_last)
    return x, crops[:, 3:]
