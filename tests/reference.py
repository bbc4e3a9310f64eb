"""Results of the papers' code, if ../shared/reference exists."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

FOLDER = Path(__file__).parents[2] / "shared" / "reference"


class Reference:
    """Photos, maps and scores of the published codes on EfficientNet-Lite0."""

    def __init__(self) -> None:
        self.inputs = np.load(FOLDER / "inputs.npz")
        self.maps = np.load(FOLDER / "maps.npz")
        self.scores = json.loads((FOLDER / "scores.json").read_text())

    def photos_of(self, method: str) -> list[str]:
        return [key.split("/")[1] for key in self.maps if key.split("/")[0] == method]

    def image(self, photo: str) -> torch.Tensor:
        return torch.from_numpy(self.inputs[photo]).permute(2, 0, 1)[None].float() / 255

    def case(self, method: str, photo: str):
        """Image (1, 3, 224, 224), map (1, 224, 224), scores."""
        saliency = torch.from_numpy(self.maps[f"{method}/{photo}"].astype(np.float32))[None]
        return self.image(photo), saliency, self.scores[f"{method}/{photo}"]


@cache
def _open() -> Reference:
    return Reference()


def reference() -> Reference:
    """The data, or a skipped test."""
    if not FOLDER.is_dir():
        pytest.skip("the papers' reference maps (../shared/reference) are not at hand")
    return _open()
