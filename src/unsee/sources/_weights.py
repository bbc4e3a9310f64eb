"""Read weights from files and load them into models."""

from pathlib import Path

import torch
from torch import Tensor, nn

from unsee.errors import InputError


def read_state_dict(path: str | Path) -> dict[str, Tensor]:
    """Read tensors by name from a safetensors file or a `state_dict` that torch saved.

    Pickled objects are refused, because unpickling can run arbitrary code.

    Raises:
        InputError: The file does not exist or holds something else.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file of weights")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise InputError(
            f"{path}: cannot be read as plain weights. Pickled models are never loaded, because "
            "they can run arbitrary code; save model.state_dict() (torch.save or safetensors) and "
            "name its architecture, or export the model with torch.export.save"
        ) from error
    for wrapper in ("state_dict", "model_state_dict", "model"):
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
    if not isinstance(content, dict) or not all(isinstance(v, Tensor) for v in content.values()):
        raise InputError(f"{path}: expected a state_dict (tensors by name)")
    return {name.removeprefix("module."): value for name, value in content.items()}


def load_weights(model: nn.Module, path: str | Path) -> None:
    """Load the weights of a file into a model; raise `InputError` if names or shapes differ."""
    weights, expected = read_state_dict(path), model.state_dict()
    missing = [k for k in expected if k not in weights]
    unexpected = [k for k in weights if k not in expected]
    shapes = [k for k in expected if k in weights and expected[k].shape != weights[k].shape]
    problems = {"missing": missing, "unexpected": unexpected, "of another shape": shapes}
    for problem, keys in problems.items():
        if keys:
            raise InputError(
                f"{path}: weights of another architecture than {type(model).__name__}: "
                f"{len(keys)} {problem}, first {', '.join(keys[:3])}"
            )
    model.load_state_dict(weights)
