"""Open and run ONNX files."""

from pathlib import Path
from typing import Any

import numpy as np

from unsee.errors import InputError, as_input_error, missing_package
from unsee.storage.files import check_file

PROVIDERS = (
    "CUDAExecutionProvider", "ROCMExecutionProvider", "DmlExecutionProvider",
    "CoreMLExecutionProvider", "CPUExecutionProvider",
)  # fmt: skip
"""Providers that compute a graph on this machine. Others load compiled engines that a file names
(TensorRT), or send pictures to a server (Azure)."""
FLOATS = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
}
"""NumPy's types for ONNX's types of real numbers."""
FATAL = 4
"""Lowest severity of what onnxruntime prints."""
TYPES = {**FLOATS, "tensor(uint8)": np.uint8, "tensor(bool)": np.bool_}
"""NumPy's types for ONNX's types of pictures and masks."""


def open_session(path: Path, purpose: str) -> Any:
    """Return an inference session, on a GPU if onnxruntime supports it.

    Args:
        path: An ONNX file.
        purpose: What needs onnxruntime, for the message if it is not installed.

    Raises:
        InputError: onnxruntime is not installed, or cannot open the file.
    """
    check_file(path, "model file")
    try:
        import onnxruntime
    except ImportError as error:
        raise missing_package("onnxruntime", purpose, error) from error
    available = onnxruntime.get_available_providers()
    with as_input_error(f"{path}: not a model that onnxruntime can open"):
        options = onnxruntime.SessionOptions()
        options.log_severity_level = FATAL  # what it reports as an error, it raises as well
        return onnxruntime.InferenceSession(
            str(path), options, providers=[name for name in available if name in PROVIDERS]
        )


def shape_of(entry: Any) -> list[int | None]:
    """Return the shape of an input or output; None for sizes that are not fixed."""
    return [side if isinstance(side, int) and side > 0 else None for side in entry.shape or ()]


def type_of(entry: Any, path: Path, types: dict[str, Any]) -> Any:
    """Return NumPy's type of an input; raise `InputError` if it is not among `types`."""
    if entry.type not in types:
        raise InputError(
            f"{path}: the input {entry.name} is a {entry.type}; expected {' or '.join(types)}"
        )
    return types[entry.type]


def run(session: Any, feed: dict[str, Any], path: Path) -> list[Any]:
    """Return the outputs for arrays by name; raise `InputError` if onnxruntime fails."""
    with as_input_error(f"{path}: onnxruntime cannot run it"):
        outputs: list[Any] = session.run(None, feed)
        return outputs
