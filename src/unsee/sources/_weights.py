"""Load weights from files into models."""

from pathlib import Path

from torch import nn

from unsee.networks import reading
from unsee.networks.weights import load_into


def load_weights(model: nn.Module, path: str | Path) -> None:
    """Load the weights of a file into a model; raise `InputError` if names or shapes differ."""
    weights = reading.read(Path(path))
    names = {name.removeprefix("module."): value for name, value in weights.items()}
    load_into(model, names, Path(path))
