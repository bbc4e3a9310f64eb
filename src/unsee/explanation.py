"""The result of an explanation."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from unsee.errors import InputError
from unsee.folders import MANIFEST, new_folder, write_manifest
from unsee.types import Images, Saliency, Targets

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ARRAYS = "saliency.npz"
NAMES, SPREAD = ("model", "targets", "images"), "deviation"


@dataclass(frozen=True, eq=False)
class Explanation:
    """Saliency maps and how they came about.

    `explanation[i]` is that of the i-th image alone. On disk it is a folder with the arrays and, as
    the last file written, `manifest.json`: a folder without it is an unfinished one.
    """

    saliency: Saliency
    """(b, h, w) in the frame of the classifier's input; higher is more important."""
    targets: Targets
    """(b,) class indices."""
    images: Images
    """(b, c, h, w) in [0, 1], as the classifier saw them."""
    provenance: dict[str, Any]
    """Method, in-filler and classifier as plain values, seeds, cost, versions."""
    deviation: Saliency | None = None
    """Standard deviation of the maps over seeds, where there were several runs."""

    def __len__(self) -> int:
        return len(self.saliency)

    def __getitem__(self, index: int) -> "Explanation":
        if not -len(self) <= index < len(self):
            raise IndexError(f"{index} is not among {len(self)} explanations")
        index %= len(self)
        only = slice(index, index + 1)
        provenance = {**self.provenance}
        for each in ("target", "seeds"):
            if each in provenance:
                provenance[each] = provenance[each][only]
        return replace(
            self,
            saliency=self.saliency[only],
            targets=self.targets[only],
            images=self.images[only],
            provenance=provenance,
            deviation=None if self.deviation is None else self.deviation[only],
        )

    def save(self, folder: str | Path, *, overwrite: bool = False) -> Path:
        """Write `saliency.npz` and then `manifest.json` into a new folder.

        Raises `InputError` where the folder exists, unless `overwrite`.
        """
        with new_folder(folder, overwrite=overwrite) as unfinished:
            self.save_arrays(unfinished)
            write_manifest(unfinished, self.provenance)
        return Path(folder)

    @classmethod
    def load(cls, folder: str | Path) -> "Explanation":
        """Read what `save` or the command line wrote.

        Raises `InputError` for a folder that is unfinished or none of ours.
        """
        folder = Path(folder)
        if not (folder / MANIFEST).is_file() or not (folder / ARRAYS).is_file():
            raise InputError(f"{folder}: expected {ARRAYS} and {MANIFEST}; not a finished result")
        provenance = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        with np.load(folder / ARRAYS) as arrays:
            saliency, targets, images = (torch.from_numpy(arrays[name]) for name in NAMES)
            spread = torch.from_numpy(arrays[SPREAD]) if SPREAD in arrays else None
        return cls(saliency, targets, images, provenance, spread)

    def save_arrays(self, folder: Path, **more: NDArray[np.generic]) -> None:
        """Write `saliency.npz`: `model` (maps, model's frame), `targets`, `images`, ..."""
        values = (self.saliency, self.targets, self.images)
        arrays: dict[str, Any] = {
            name: value.cpu().numpy() for name, value in zip(NAMES, values, strict=True)
        }
        if self.deviation is not None:
            arrays[SPREAD] = self.deviation.cpu().numpy()
        np.savez_compressed(folder / ARRAYS, **arrays, **more)  # type: ignore[arg-type]

    def plot(self) -> "Figure":
        """Images beside their maps."""
        from unsee.images.drawing import overview

        targets = self.provenance["target"]
        known = targets if isinstance(targets, list) else [targets]
        return overview(self.images, self.saliency, [target["name"] for target in known])
