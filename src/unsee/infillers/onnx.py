"""In-painters that were exported to ONNX."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
import torch.nn.functional as F

from unsee.errors import InputError
from unsee.infillers._generative import GenerativeInfiller, Network, resize_mask, resize_pictures
from unsee.infillers.base import ImageBatch, RowIndex
from unsee.networks import weights as files
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
        try:
            import onnxruntime
        except ImportError as error:
            raise InputError("onnx needs onnxruntime: python -m pip install onnxruntime") from error
        try:
            session = onnxruntime.InferenceSession(
                str(path), providers=onnxruntime.get_available_providers()
            )
        except Exception as error:  # onnxruntime raises its own kinds
            raise InputError(f"cannot read {path}: {str(error).splitlines()[0]}") from error
        return lambda pictures, keep: self._run(session, pictures, keep)

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

    def _run(self, session: Any, pictures: Variants, keep: FlatKeep) -> Variants:
        """Return the session's pictures at the size of the given ones, in its own range."""
        inputs = session.get_inputs()
        size = (pictures.shape[-2], pictures.shape[-1])
        height, width = inputs[0].shape[2:]
        is_fixed = isinstance(height, int) and isinstance(width, int)
        network_size = (height, width) if is_fixed else size
        low, high = RANGES[self.values]
        visible = resize_mask(keep, network_size)
        picture = (resize_pictures(pictures, network_size) * (high - low) + low) * visible
        mask = 1 - visible if self.hole == 1 else visible
        feed = self._feed(inputs, picture, mask)
        (output, *_) = session.run(None, feed)
        painted = torch.from_numpy(np.asarray(output, np.float32)).to(pictures)
        return F.interpolate(painted, size, mode="bilinear", antialias=True)

    def _feed(self, inputs: list[Any], picture: Variants, mask: FlatKeep) -> dict[str, Any]:
        """Return the arrays of the session's inputs, distinguished by their channels."""
        if len(inputs) == 1:
            is_picture_first = self.joined == "picture_mask"
            pair = (picture, mask) if is_picture_first else (mask - 0.5, picture)
            tensors = {inputs[0].name: torch.cat(pair, 1)}
        else:
            by_channels = {3: picture, 1: mask}
            tensors = {part.name: by_channels.get(part.shape[1], picture) for part in inputs}
        return {
            part.name: tensors[part.name].cpu().numpy().astype(_dtype(part.type)) for part in inputs
        }


def _dtype(onnx_type: str) -> type[Any]:
    """Return NumPy's type for one of ONNX."""
    return {"tensor(uint8)": np.uint8, "tensor(float16)": np.float16}.get(onnx_type, np.float32)
