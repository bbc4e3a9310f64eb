"""Classifiers in ONNX files, as functions of arrays."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from unsee.errors import InputError
from unsee.networks.onnx_session import FLOATS, open_session, run, shape_of, type_of

CHANNELS = {1, 3}
"""Numbers of channels of pictures."""


def open_classifier(
    path: Path, channels: int
) -> tuple[Callable[[Any], Any], tuple[int, int] | None]:
    """Return a function from pictures (n, c, h, w) to the output of an ONNX file, and its size.

    The function takes any number of pictures, and converts them to the layout and the type of the
    file's input. The size is None if the file takes pictures of any size.

    Args:
        path: An ONNX file with one input, pictures (n, c, h, w) or (n, h, w, c), and one output.
        channels: Number of channels of the pictures.

    Raises:
        InputError: The file cannot be read, or its input is something else.
    """
    session = open_session(path, "an ONNX file")
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1:
        raise InputError(f"{path}: expected a single input, got {len(inputs)}")
    if len(outputs) != 1:
        names = ", ".join(output.name for output in outputs)
        raise InputError(f"{path}: expected a single output, got {len(outputs)} ({names})")
    (entry,) = inputs
    shape, dtype = shape_of(entry), type_of(entry, path, FLOATS)
    if len(shape) != 4:
        raise InputError(f"{path}: expected pictures (n, c, h, w), got an input {entry.shape}")
    is_last = shape[1] not in CHANNELS and shape[3] in CHANNELS
    batch, depth, *sides = [shape[axis] for axis in ((0, 3, 1, 2) if is_last else (0, 1, 2, 3))]
    if depth not in {channels, None}:
        raise InputError(
            f"{path}: takes pictures of {depth} channels, but mean and std have {channels} values"
        )

    def classify(images: Any) -> Any:
        results = []
        step = batch or len(images)
        for start in range(0, len(images), step):
            part = images[start : start + step]
            missing = step - len(part)
            padded = np.concatenate([part, np.repeat(part[:1], missing, 0)]) if missing else part
            array = np.moveaxis(padded, 1, 3) if is_last else padded
            feed = {entry.name: np.ascontiguousarray(array, dtype)}
            results.append(np.asarray(run(session, feed, path)[0])[: len(part)])
        return np.concatenate(results)

    size = (sides[0], sides[1]) if sides[0] and sides[1] else None
    return classify, size
