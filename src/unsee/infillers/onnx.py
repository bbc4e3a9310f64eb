"""Any in-painter that was exported to ONNX."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch

from unsee.errors import InputError
from unsee.infillers._generative import Generative, Network, hard, resized
from unsee.infillers.base import ImageBatch, RowIndex
from unsee.networks import weights as files
from unsee.types import FlatKeep, Variants

__all__ = ["Onnx"]

RANGES = {"0..1": (0.0, 1.0), "-1..1": (-1.0, 1.0), "0..255": (0.0, 255.0)}


@dataclass(frozen=True)
class Onnx(Generative):
    """An ONNX in-painter through onnxruntime (extra: onnx): MI-GAN, LaMa, your own.

    It takes a picture and a mask, in two inputs or joined in one of four channels; a fixed size is
    resized to.
    """

    published: ClassVar[files.Published] = files.Published(
        "inpainter.onnx", "whoever trained it", "theirs"
    )

    weights: str = ""
    """Path of the .onnx file."""
    hole: Literal[0, 1] = 1
    """What the mask says where pixels are missing."""
    values: Literal["0..1", "-1..1", "0..255"] = "0..1"
    """Range of the picture's values, going in and coming out."""
    joined: Literal["picture_mask", "mask_picture"] = "picture_mask"
    """Order of the channels where there is one input (MI-GAN: mask_picture, mask less 1/2)."""

    def load(self) -> Network:
        """A session on the CPU, or on CUDA where onnxruntime has it."""
        path = files.find(self.weights, self.published)
        try:
            import onnxruntime
        except ImportError as error:
            raise InputError("onnx needs onnxruntime: python -m pip install onnxruntime") from error
        try:
            session = onnxruntime.InferenceSession(
                str(path), providers=onnxruntime.get_available_providers()
            )
        except Exception as error:  # of onnxruntime's own kinds
            raise InputError(f"cannot read {path}: {str(error).splitlines()[0]}") from error
        return lambda *inputs: _asked(session, self.joined, *inputs)

    def paint(
        self, network: Network, shown: Variants, keep: FlatKeep, rows: RowIndex, scene: ImageBatch
    ) -> Variants:
        """Scaled as the network expects, and back."""
        low, high = RANGES[self.values]
        painted = network(shown, keep, self.hole, low, high)
        return ((painted - low) / (high - low)).clamp(0, 1)


def _asked(
    session: Any, order: str, shown: Variants, keep: FlatKeep, hole: int, low: float, high: float
) -> Variants:
    """One call of the session."""
    inputs = session.get_inputs()
    size = (shown.shape[-2], shown.shape[-1])
    sides = inputs[0].shape[2:]
    own = tuple(sides) if all(isinstance(side, int) for side in sides) else size
    seen = hard(keep, (own[0], own[1]))
    picture = (resized(shown, (own[0], own[1])) * (high - low) + low) * seen
    mask = 1 - seen if hole == 1 else seen
    by_channels = {3: picture, 1: mask}
    if len(inputs) == 1:
        pair = (picture, mask) if order == "picture_mask" else (mask - 0.5, picture)
        feed = {inputs[0].name: torch.cat(pair, 1)}
    else:
        feed = {one.name: by_channels.get(one.shape[1], picture) for one in inputs}
    numbers = {one.name: feed[one.name].cpu().numpy().astype(_kind(one.type)) for one in inputs}
    (answer, *_) = session.run(None, numbers)
    painted = torch.from_numpy(np.asarray(answer, np.float32)).to(shown)
    return torch.nn.functional.interpolate(painted, size, mode="bilinear", antialias=True)


def _kind(name: str) -> type[Any]:
    return {"tensor(uint8)": np.uint8, "tensor(float16)": np.float16}.get(name, np.float32)
