"""Load weights from files into models."""

import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import nn

from unsee.errors import InputError
from unsee.networks import reading
from unsee.networks.weights import load_into, renamed
from unsee.sources._downloads import replaced

WRAPPER = "module."
"""What `DataParallel` puts before every name."""
NO_WEIGHTS = "num_batches_tracked"
"""End of the names of counters that are not used in evaluation mode."""


def load_weights(model: nn.Module, path: str | Path) -> None:
    """Load the weights of a file into a model.

    Raises:
        InputError: Names, shapes or types differ, or a tensor has two names.
    """
    path, expected = Path(path), model.state_dict()

    def rename(name: str) -> str:
        return name if name in expected else name.removeprefix(WRAPPER)

    load_into(model, renamed(reading.read(path), rename, path), path)


def check_complete(name: str, missing: Collection[str]) -> None:
    """Raise `InputError` if weights are missing, which were set to random numbers."""
    weights = sorted(key for key in missing if not key.endswith(NO_WEIGHTS))
    if weights:
        raise InputError(
            f"{name}: not a trained image classifier; the checkpoint lacks {len(weights)} weights, "
            f"such as {', '.join(weights[:3])}; choose one that was trained to classify images"
        )


@contextmanager
def complete_loads(name: str) -> Iterator[list[str]]:
    """Raise `InputError` at the end if a network that was loaded in the block lacks weights.

    A library may load an incomplete file without an error, and say so in its log only. Yields the
    names of missing weights, so that the block can empty the list and try again.
    """
    missing: list[str] = []
    load, thread = nn.Module.load_state_dict, threading.get_ident()

    def load_and_note(
        network: nn.Module, weights: Mapping[str, Any], *args: Any, **settings: Any
    ) -> Any:
        is_ours = threading.get_ident() == thread  # all threads share the class
        try:
            result = load(network, weights, *args, **settings)
        except RuntimeError:
            missing.extend(_missing(network, weights) if is_ours else ())
            raise
        missing.extend(result.missing_keys if is_ours else ())
        return result

    with replaced(nn.Module, "load_state_dict", load_and_note):
        try:
            yield missing
        except RuntimeError:  # of a strict load, in several lines
            check_complete(name, missing)
            raise
    check_complete(name, missing)


def _missing(network: nn.Module, weights: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of a network's tensors that a file lacks or has in another shape."""
    for key, tensor in network.state_dict().items():
        expected = tuple(getattr(tensor, "shape", ()))
        if key not in weights:
            yield key
        elif (shape := tuple(getattr(weights[key], "shape", ()))) != expected:
            yield f"{key} {expected} instead of {shape}"
