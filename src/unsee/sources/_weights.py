"""Load weights from files into models."""

from pathlib import Path

from torch import nn

from unsee.networks import reading
from unsee.networks.weights import load_into, renamed

WRAPPER = "module."
"""What `DataParallel` puts before every name."""


def load_weights(model: nn.Module, path: str | Path) -> None:
    """Load the weights of a file into a model.

    Raises:
        InputError: Names, shapes or types differ, or a tensor has two names.
    """
    path, expected = Path(path), model.state_dict()

    def rename(name: str) -> str:
        return name if name in expected else name.removeprefix(WRAPPER)

    load_into(model, renamed(reading.read(path), rename, path), path)
