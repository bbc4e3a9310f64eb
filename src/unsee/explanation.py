"""Saliency maps with their provenance, in memory and on disk."""

import operator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from unsee.errors import InputError, as_input_error
from unsee.storage.arrays import read_arrays, write_arrays
from unsee.storage.files import exists, read_json
from unsee.storage.folders import MANIFEST, WRITTEN, new_folder, write_manifest
from unsee.types import Images, Saliency, Targets

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ARRAYS = "saliency.npz"
"""Name of the file with an explanation's arrays."""
REQUIRED = ("model", "targets", "images")
"""Names of the arrays that every file holds, in the order of the fields."""
PER_IMAGE = ("target", "seeds", "note", "variation", "segments", "measure_weights")
"""Keys of the provenance that hold a list with one entry for each image."""
PARTS = ("method", "infiller")
"""Keys of the provenance that hold the settings of a part."""
DEVIATION = "deviation"
"""Name of the array with the maps' standard deviation."""
FRAMES = "frames"
"""Name of the array with the maps during the run."""


@runtime_checkable
class View(Protocol):
    """Pictures and numbers of one explained image, which need the classifier."""

    def figure(self) -> "Figure":
        """Draw the photo, its map, the photo without and with only the evidence."""

    def html(self) -> str:
        """Return the same as a part of an HTML page."""


class OutOfRangeError(InputError, IndexError):
    """There is no explanation of this number; as an `IndexError` it ends a loop."""


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
    frames: Float[Tensor, "n b h w"] | None = None
    """Maps during the run, from first to last; None unless `explain(..., frames=n)` kept them."""
    view: View | None = field(default=None, repr=False)
    """Pictures and numbers of a single image, computed on first use; None for several images, and
    for what was read from a folder."""

    def __post_init__(self) -> None:
        maps = ("saliency", self.saliency), ("deviation", self.deviation)
        for name, value in maps if self.deviation is not None else maps[:1]:
            _check_tensor(name, value, 3, ("b", "h", "w"))
        _check_tensor("images", self.images, 4, ("b", "c", "h", "w"))
        _check_tensor("targets", self.targets, 1, ("b",), floating=False)
        batch, _, *size = self.images.shape
        shapes = {(batch, *size), tuple(self.saliency.shape)}
        shapes |= set() if self.deviation is None else {tuple(self.deviation.shape)}
        if len(shapes) > 1 or len(self.targets) != batch:
            raise InputError(
                "expected a map and a target for each image, and maps of the images' size, got "
                f"images {tuple(self.images.shape)}, saliency {tuple(self.saliency.shape)}, "
                f"targets {tuple(self.targets.shape)}"
            )
        if not isinstance(self.provenance, dict):
            raise InputError(
                f"expected provenance to be a dictionary, got {type(self.provenance).__name__}"
            )
        if self.frames is not None:
            _check_tensor("frames", self.frames, 4, ("n", "b", "h", "w"))
            if self.frames.shape[1:] != self.saliency.shape:
                raise InputError(
                    f"expected frames of maps {tuple(self.saliency.shape)}, got "
                    f"{tuple(self.frames.shape)}"
                )
        self._check_provenance()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "view": None}  # it holds the classifier

    def _check_provenance(self) -> None:
        for part in PARTS:
            if not isinstance(self.provenance.get(part, {}), dict):
                raise InputError(f"expected provenance[{part!r}] to be a dictionary with a name")
        for target in self._target_list():
            if not isinstance(target, dict) or not isinstance(target.get("name"), str):
                raise InputError("expected provenance['target'] to be dictionaries with a name")

    def __len__(self) -> int:
        return len(self.saliency)

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.saliency.shape))
        classes = [target["name"] for target in self._target_list()]
        method, infiller = (self.provenance.get(part, {}).get("name", "unknown") for part in PARTS)
        return f"Explanation({shape}, classes={classes}, method={method!r}, infiller={infiller!r})"

    def _target_list(self) -> list[dict[str, Any]]:
        """Index and name of each image's class; the provenance of one image may hold a single."""
        targets = self.provenance.get("target", [])
        return targets if isinstance(targets, list) else [targets]

    @property
    def notes(self) -> list[str]:
        """A line for each image whose map shows no evidence: why, and what to try; "" for others.

        Results of earlier versions have none.
        """
        notes = self.provenance.get("note", [])
        return ([notes] if isinstance(notes, str) else list(notes)) or [""] * len(self)

    def __getitem__(self, index: int) -> "Explanation":
        with as_input_error("expected the number of an explanation"):
            index = operator.index(index)
        if not -len(self) <= index < len(self):
            raise OutOfRangeError(f"index {index} is out of range for {len(self)} explanations")
        index %= len(self)
        single = slice(index, index + 1)
        provenance = {**self.provenance}
        for key in PER_IMAGE:
            if isinstance(provenance.get(key), list):
                provenance[key] = provenance[key][single]
        return replace(
            self,
            saliency=self.saliency[single],
            targets=self.targets[single],
            images=self.images[single],
            provenance=provenance,
            deviation=None if self.deviation is None else self.deviation[single],
            frames=None if self.frames is None else self.frames[:, single],
        )

    def save(self, folder: str | Path, *, overwrite: bool = False) -> Path:
        """Write `saliency.npz` and `manifest.json` into a new folder and return its path.

        Raises:
            InputError: The folder exists and `overwrite` is false, or it cannot be written.
        """
        with new_folder(_path(folder), overwrite=overwrite) as unfinished:
            self.save_arrays(unfinished)
            write_manifest(unfinished, self.provenance)
        return Path(folder)

    @classmethod
    def load(cls, folder: str | Path) -> "Explanation":
        """Read a folder that `save` or `unsee explain` wrote.

        Raises:
            InputError: The folder is incomplete or not an explanation.
        """
        folder = _path(folder)
        if not exists(folder):
            raise InputError(f"{folder}: no such folder")
        if not (exists(folder / MANIFEST) and exists(folder / ARRAYS)):
            raise InputError(f"{folder}: expected {ARRAYS} and {MANIFEST}; not a finished result")
        provenance = read_json(folder / MANIFEST)
        if not isinstance(provenance, dict):
            raise InputError(f"{folder / MANIFEST}: expected the manifest of a result")
        provenance.pop(WRITTEN, None)
        arrays = read_arrays(folder / ARRAYS, (*REQUIRED, DEVIATION, FRAMES))
        if missing := [name for name in REQUIRED if name not in arrays]:
            raise InputError(f"{folder / ARRAYS}: lacks {', '.join(missing)}")
        with as_input_error(f"{folder / ARRAYS}: not the arrays of an explanation"):
            tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
        saliency, targets, images = (tensors[name] for name in REQUIRED)
        try:
            deviation, frames = (tensors.get(name) for name in (DEVIATION, FRAMES))
            return cls(saliency, targets, images, provenance, deviation, frames)
        except InputError as error:
            raise error.prefixed(folder) from error

    def save_arrays(self, folder: Path, **extra: NDArray[np.generic]) -> None:
        """Write `saliency.npz` with `model` (the maps), `targets`, `images` and extra arrays."""
        values = (self.saliency, self.targets, self.images)
        arrays: dict[str, Any] = {
            name: _array(value) for name, value in zip(REQUIRED, values, strict=True)
        }
        for name, maps in ((DEVIATION, self.deviation), (FRAMES, self.frames)):
            if maps is not None:
                arrays[name] = _array(maps)
        write_arrays(folder / ARRAYS, arrays | extra)

    @property
    def names(self) -> list[str]:
        """Name of the explained class of each image."""
        names = [target["name"] for target in self._target_list()]
        return names if len(names) == len(self) else list(map(str, self.targets.tolist()))

    def plot(self) -> "Figure":
        """Return a figure: for one image the panel of `unsee explain`, for several their maps.

        The panel needs the classifier, and about a hundred forward passes on first use. An
        explanation that was read from a folder has the image and its map only.
        """
        from unsee.images.drawing import overview

        if self.view is not None:
            return self.view.figure()
        return overview(self.images, self.saliency, self.names)

    def overlay(self, index: int = 0) -> NDArray[np.uint8]:
        """Return an image with its map as RGB pixels (h, w, 3), as in `overlay.png`.

        The image is grey where the map is low, and in colour where it is high.
        """
        from unsee.images.drawing import overlay

        single = self[index]
        return overlay(single.images[0], single.saliency[0])

    def animate(self, path: str | Path, *, seconds: float = 4.0, overwrite: bool = False) -> Path:
        """Write a GIF or MP4 file that shows how the maps form, and return its path.

        Args:
            path: A file that ends in `.gif` or `.mp4`.
            seconds: Duration; the last frame stays for another second and a half.
            overwrite: Whether the file may exist.

        Raises:
            InputError: No frames were kept, the file exists, or its name ends in something else.
        """
        from unsee.images.animation import animate

        if self.frames is None:
            raise InputError("no frames were kept; explain with frames=24 to keep 24 maps")
        return animate(
            path, self.images, self.frames, self.names, seconds=seconds, overwrite=overwrite
        )

    def _repr_html_(self) -> str:
        """Return the part of a page that notebooks show."""
        from unsee.images.overview import overview_html

        if self.view is not None:
            return self.view.html()
        return overview_html(self.images, self.saliency, self.names, self._caption, self.notes)

    @property
    def _caption(self) -> str:
        """Parts and cost of the maps, where the provenance has them."""
        parts = [
            f"{key} {self.provenance[key].get('name', 'unknown')}"
            for key in PARTS
            if key in self.provenance
        ]
        cost = self.provenance.get("cost", {})
        if "forwards" in cost:
            parts.append(f"{cost['forwards']:,} forward passes, {cost['seconds']:.1f} s")
        return f"{', '.join(parts)}." if parts else ""


def _array(values: torch.Tensor) -> NDArray[Any]:
    values = values.detach().cpu()
    # NumPy has no bfloat16
    array: NDArray[Any] = (values.float() if values.dtype == torch.bfloat16 else values).numpy()
    return array


def _path(folder: object) -> Path:
    if not isinstance(folder, str | Path):
        raise InputError(f"expected the path of a folder, got {type(folder).__name__}")
    return Path(folder)


def _check_tensor(
    name: str, value: object, axes: int, names: tuple[str, ...], *, floating: bool = True
) -> None:
    """Raise `InputError` unless a value is a tensor of numbers with these axes."""
    words = f"expected {name} to be a tensor ({', '.join(names)})"
    if not isinstance(value, torch.Tensor):
        raise InputError(f"{words}, got {type(value).__name__}")
    if value.ndim != axes or not all(value.shape):
        raise InputError(f"{words}, got the shape {tuple(value.shape)}")
    if value.is_floating_point() != floating or value.is_complex():
        kind = "floating-point numbers" if floating else "integers"
        raise InputError(f"{words} of {kind}, got {value.dtype}")
