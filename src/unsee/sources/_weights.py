"""What sources share: files of weights, downloads that fail, packages that are missing."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from unsee.errors import InputError


def state(path: str | Path) -> dict[str, Tensor]:
    """Tensors by name from a safetensors file or a `state_dict` saved by torch.

    Pickled objects are never unpickled: they can run any code.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file of weights")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise InputError(
            f"{path}: cannot be read as plain weights. Pickled models are never loaded, they can "
            "run any code; save model.state_dict() (torch.save or safetensors) and name its "
            "architecture, or export the model with torch.export.save"
        ) from error
    for wrapper in ("state_dict", "model_state_dict", "model"):
        if isinstance(loaded, dict) and isinstance(loaded.get(wrapper), dict):
            loaded = loaded[wrapper]
    if not isinstance(loaded, dict) or not all(isinstance(v, Tensor) for v in loaded.values()):
        raise InputError(f"{path}: expected a state_dict (names to tensors)")
    return {name.removeprefix("module."): value for name, value in loaded.items()}


def fill(model: nn.Module, path: str | Path) -> None:
    """Load weights into a model; says which keys differ."""
    loaded, wanted = state(path), model.state_dict()
    missing = [k for k in wanted if k not in loaded]
    extra = [k for k in loaded if k not in wanted]
    shapes = [k for k in wanted if k in loaded and wanted[k].shape != loaded[k].shape]
    for what, keys in (("missing", missing), ("unexpected", extra), ("of another shape", shapes)):
        if keys:
            raise InputError(
                f"{path}: weights of another architecture than {type(model).__name__}: "
                f"{len(keys)} {what}, first {', '.join(keys[:3])}"
            )
    model.load_state_dict(loaded)


@contextmanager
def needed(package: str) -> Iterator[None]:
    """Say how to install what is missing."""
    try:
        yield
    except (ImportError, RuntimeError) as error:  # torchvision beside another torch: RuntimeError
        raise InputError(
            f"{package} cannot be imported ({error}); python -m pip install {package}"
        ) from error


@contextmanager
def downloading(what: str) -> Iterator[None]:
    """Turn whatever a hub's client raises into one line."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # every client has its own: URLError, OSError, HfHubHTTPError ...
        reason = str(error).strip().splitlines()
        raise InputError(
            f"{what}: its weights cannot be had ({reason[0][:160] if reason else error!r}); "
            "check the name and the network, or give a local file or folder"
        ) from error


def interpolation(name: str) -> Literal["bicubic", "bilinear"]:
    """The nearest of our two filters."""
    return "bicubic" if name in {"bicubic", "lanczos", "random"} else "bilinear"
