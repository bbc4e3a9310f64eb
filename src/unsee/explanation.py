"""Saliency maps with their provenance, in memory and on disk."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from unsee.errors import InputError
from unsee.folders import MANIFEST, WRITTEN, new_folder, write_manifest
from unsee.types import Images, Saliency, Targets

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ARRAYS = "saliency.npz"
"""Name of the file with an explanation's arrays."""
REQUIRED = ("model", "targets", "images")
"""Names of the arrays that every file holds, in the order of the fields."""
DEVIATION = "deviation"
"""Name of the array with the maps' standard deviation."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """Saliency maps of a batch of images, with their provenance.

    `explanation[i]` is the explanation of image i. `save` writes a folder with the arrays and
    `manifest.json`; the manifest is written last, so that a folder without it is incomplete.
    """

    saliency: Saliency
    """Maps (b, h, w) at the size of the classifier's input; higher is more important."""
    targets: Targets
    """Explained class of each image, (b,)."""
    images: Images
    """Input images (b, c, h, w) in [0, 1], cropped and resized for the classifier."""
    provenance: dict[str, Any]
    """Method, in-filler and classifier as plain values, seeds, cost, versions."""
    deviation: Saliency | None = None
    """Standard deviation of the maps over seeds; None for a single run."""

    def __len__(self) -> int:
        return len(self.saliency)

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.saliency.shape))
        classes = [target["name"] for target in self._target_list()]
        method, infiller = (
            self.provenance.get(part, {}).get("name", "unknown") for part in ("method", "infiller")
        )
        return f"Explanation({shape}, classes={classes}, method={method!r}, infiller={infiller!r})"

    def _target_list(self) -> list[dict[str, Any]]:
        """Index and name of each image's class; the provenance of one image may hold a single."""
        targets = self.provenance.get("target", [])
        return targets if isinstance(targets, list) else [targets]

    def __getitem__(self, index: int) -> "Explanation":
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} is out of range for {len(self)} explanations")
        index %= len(self)
        single = slice(index, index + 1)
        provenance = {**self.provenance}
        for key in ("target", "seeds"):
            if isinstance(provenance.get(key), list):
                provenance[key] = provenance[key][single]
        return replace(
            self,
            saliency=self.saliency[single],
            targets=self.targets[single],
            images=self.images[single],
            provenance=provenance,
            deviation=None if self.deviation is None else self.deviation[single],
        )

    def save(self, folder: str | Path, *, overwrite: bool = False) -> Path:
        """Write `saliency.npz` and `manifest.json` into a new folder and return its path.

        Raises:
            InputError: The folder exists and `overwrite` is false, or it cannot be written.
        """
        with new_folder(folder, overwrite=overwrite) as unfinished:
            self.save_arrays(unfinished)
            write_manifest(unfinished, self.provenance)
        return Path(folder)

    @classmethod
    def load(cls, folder: str | Path) -> "Explanation":
        """Read a folder that `save` or `unsee explain` wrote.

        Raises:
            InputError: The folder is incomplete or not an explanation.
        """
        folder = Path(folder)
        if not (folder / MANIFEST).is_file() or not (folder / ARRAYS).is_file():
            raise InputError(f"{folder}: expected {ARRAYS} and {MANIFEST}; not a finished result")
        provenance = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        provenance.pop(WRITTEN, None)
        with np.load(folder / ARRAYS) as arrays:
            saliency, targets, images = (torch.from_numpy(arrays[name]) for name in REQUIRED)
            deviation = torch.from_numpy(arrays[DEVIATION]) if DEVIATION in arrays else None
        return cls(saliency, targets, images, provenance, deviation)

    def save_arrays(self, folder: Path, **extra: NDArray[np.generic]) -> None:
        """Write `saliency.npz` with `model` (the maps), `targets`, `images` and extra arrays."""
        values = (self.saliency, self.targets, self.images)
        arrays: dict[str, Any] = {
            name: value.cpu().numpy() for name, value in zip(REQUIRED, values, strict=True)
        }
        if self.deviation is not None:
            arrays[DEVIATION] = self.deviation.cpu().numpy()
        np.savez_compressed(folder / ARRAYS, **arrays, **extra)  # type: ignore[arg-type]

    def plot(self) -> "Figure":
        """Return a figure of the images above their maps, one column per image."""
        from unsee.images.drawing import overview

        names = [target["name"] for target in self._target_list()]
        return overview(self.images, self.saliency, names)
