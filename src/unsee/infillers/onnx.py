"""In-painters that were exported to ONNX."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
import torch.nn.functional as F

from unsee.errors import InputError
from unsee.infillers._generative import GenerativeInfiller, Network, resize_mask, resize_pictures
from unsee.infillers.base import ImageBatch, RowIndex
from unsee.networks import weights as files
from unsee.networks.onnx_session import TYPES, open_session, run, shape_of, type_of
from unsee.types import FlatKeep, Variants

__all__ = ["Onnx"]

RANGES = {"0..1": (0.0, 1.0), "-1..1": (-1.0, 1.0), "0..255": (0.0, 255.0)}
"""Lowest and highest value of a picture."""


@dataclass(frozen=True)
class Onnx(GenerativeInfiller):
    """A result of an in-painter in ONNX, through onnxruntime: MI-GAN, LaMa or your own.

    The network takes a picture and a mask, as two inputs or as one of four channels; if its size is
    fixed, pictures are resized. Depends on the mask; deterministic if the network is. Extra: onnx.
    """

    libraries: ClassVar[tuple[str, ...]] = ("onnxruntime",)

    published: ClassVar[files.Published] = files.Published(
        "inpainter.onnx", "its author", "the author's"
    )

    weights: str | None = None
    """Path of the .onnx file; default: inpainter.onnx in the cache folder."""
    hole: Literal[0, 1] = 1
    """Value of the network's mask at removed pixels."""
    values: Literal["0..1", "-1..1", "0..255"] = "0..1"
    """Range of the network's pictures, both in and out."""
    joined: Literal["picture_mask", "mask_picture"] = "picture_mask"
    """Order of the channels if there is one input; in "mask_picture" 1/2 is subtracted from the
    mask, as in MI-GAN."""

    def load(self) -> Network:
        """Start a session, on a GPU if onnxruntime supports it."""
        path = files.find(self.weights, self.published)
        session = open_session(path, "the in-filler onnx")
        _check(session, path)
        return lambda pictures, keep: self._run(session, path, pictures, keep)

    def paint(
        self,
        network: Network,
        pictures: Variants,
        keep: FlatKeep,
        rows: RowIndex,
        batch: ImageBatch,
    ) -> Variants:
        """Run the session and bring its pictures to [0, 1]."""
        low, high = RANGES[self.values]
        return ((network(pictures, keep) - low) / (high - low)).clamp(0, 1)

    def _run(self, session: Any, path: Path, pictures: Variants, keep: FlatKeep) -> Variants:
        """Return the session's pictures at the size of the given ones, in its own range."""
        inputs = session.get_inputs()
        size = (pictures.shape[-2], pictures.shape[-1])
        height, width = shape_of(inputs[0])[2:]
        network_size = (height, width) if height and width else size
        low, high = RANGES[self.values]
        visible = resize_mask(keep, network_size)
        picture = (resize_pictures(pictures, network_size) * (high - low) + low) * visible
        mask = 1 - visible if self.hole == 1 else visible
        (output, *_) = run(session, self._feed(inputs, picture, mask), path)
        painted = torch.from_numpy(np.asarray(output, np.float32)).to(pictures)
        if painted.shape != picture.shape:
            raise InputError(
                f"{path}: expected pictures {tuple(picture.shape)}, got {tuple(painted.shape)}"
            )
        return F.interpolate(painted, size, mode="bilinear", antialias=True)

    def _feed(self, inputs: list[Any], picture: Variants, mask: FlatKeep) -> dict[str, Any]:
        """Return the arrays of the session's inputs, distinguished by their channels."""
        if len(inputs) == 1:
            is_picture_first = self.joined == "picture_mask"
            pair = (picture, mask) if is_picture_first else (mask - 0.5, picture)
            tensors = {inputs[0].name: torch.cat(pair, 1)}
        else:
            tensors = {part.name: {3: picture, 1: mask}[part.shape[1]] for part in inputs}
        return {
            part.name: tensors[part.name].cpu().numpy().astype(TYPES[part.type]) for part in inputs
        }


def _check(session: Any, path: Path) -> None:
    """Raise `InputError` unless the inputs are a picture and a mask, or both in one."""
    inputs = session.get_inputs()
    for part in inputs:
        type_of(part, path, TYPES)
    channels = sorted(shape[1] or 0 for shape in map(shape_of, inputs) if len(shape) == 4)
    if channels not in ([1, 3], [4]) or len(channels) != len(inputs):
        shapes = ", ".join(f"{part.name} {part.shape}" for part in inputs)
        raise InputError(
            f"{path}: expected a picture (n, 3, h, w) and a mask (n, 1, h, w), or one input "
            f"(n, 4, h, w), got {shapes}"
        )
