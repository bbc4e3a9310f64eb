"""Weights of trained classifiers of marks, in the user's cache folder."""

import hashlib
import inspect
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from unsee.datasets import _halves, _marks, _signs
from unsee.errors import InputError, as_input_error
from unsee.images import filters
from unsee.networks import mark_reader
from unsee.networks.reading import Weights
from unsee.networks.weights import load_into, load_trained
from unsee.sources import _mark_pictures, _mark_training
from unsee.sources._mark_training import Answers
from unsee.storage.files import is_file, parse_json
from unsee.storage.folders import cache_folder, new_file
from unsee.storage.locks import open_to_lock

try:
    import fcntl
except ImportError:  # Windows: two processes may train the same network
    fcntl = None  # type: ignore[assignment]

LOG = logging.getLogger(__name__)
CODE = (_halves, _marks, _signs, filters, mark_reader, _mark_pictures, _mark_training)
"""Modules whose code determines the weights."""


def path_of(settings: object, *photos: Tensor) -> Path:
    """Return the path of the weights for settings and photos, this code and this torch."""
    content = hashlib.sha256(repr((settings, torch.__version__)).encode())
    for module in CODE:
        content.update(inspect.getsource(module).encode())
    for tensor in photos:
        content.update(repr(tuple(tensor.shape)).encode())
        content.update(tensor.contiguous().numpy().data)
    return cache_folder() / "planted" / f"{content.hexdigest()[:32]}.safetensors"


def read(path: Path) -> tuple[Weights, Answers] | None:
    """Return stored weights and their tests; None without a file, or if it is damaged.

    A file whose content is not what was written counts as damaged, too.
    """
    if not is_file(path):
        return None
    try:
        with as_input_error(f"{path}: cannot be used"):
            metadata, weights = load_trained(path, ("tested", "sha256"), "classifier of marks")
            load_into(mark_reader.MarkReader(_marks.CLASSES + 1), weights, path)
            if metadata["sha256"] != _digest(weights, metadata["tested"]):
                raise InputError(f"{path}: is damaged")
            return weights, Answers(**parse_json(metadata["tested"], path))
    except InputError as error:
        LOG.warning("%s; it is replaced", error)
        return None


def write(path: Path, weights: Weights, tested: Answers) -> None:
    """Store weights; a cache that cannot be written is not an error."""
    text = json.dumps(asdict(tested))
    metadata = {"tested": text, "sha256": _digest(weights, text)}
    with suppress(InputError), new_file(path) as file:
        save_file({name: value.contiguous() for name, value in weights.items()}, file, metadata)


@contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    """Let one process of this machine train the weights of a path, while others wait for it."""
    lock = None
    if fcntl is not None:
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = open_to_lock(path.with_suffix(".lock"), create=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if lock is not None:
            os.close(lock)


def _digest(weights: Weights, tested: str) -> str:
    content = hashlib.sha256(tested.encode())
    for name in sorted(weights):
        content.update(repr((name, tuple(weights[name].shape))).encode())
        content.update(weights[name].contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return content.hexdigest()
