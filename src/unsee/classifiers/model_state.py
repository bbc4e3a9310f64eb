"""Parameters and buffers of a network, to notice passes that change them."""

import hashlib
from contextlib import suppress
from typing import NamedTuple

import torch
from torch import Tensor, nn

from unsee.classifiers.passes import has_values, tensors_of

MAX_NAMES = 3
"""Number of tensors that a message names."""


class _Saved(NamedTuple):
    """A tensor of a network, and a copy of its values."""

    tensor: Tensor
    values: Tensor


class ModelState:
    """Values of all parameters and buffers of a model; a function has none.

    Values are compared bit by bit: operations on `Tensor.data`, and buffers that are replaced,
    change no version counter.
    """

    def __init__(self, model: object) -> None:
        self._model = model
        self._saved: dict[str, _Saved] = {}
        self.add_new()

    def add_new(self) -> None:
        """Save the tensors that the model has made since."""
        for name, tensor in self._tensors().items():
            if name not in self._saved:
                self._saved[name] = _Saved(tensor, tensor.detach().clone())

    def changed(self) -> list[str]:
        """Return the names of the tensors that have other values than those that were saved."""
        now = self._tensors()
        return [
            name
            for name, saved in self._saved.items()
            if name not in now or not _equal(now[name].detach(), saved.values)
        ]

    def restore(self) -> None:
        """Give the tensors that changed their saved values."""
        for name in self.changed():
            tensor, values = self._saved[name]
            with torch.no_grad():
                if tensor.shape == values.shape and tensor.dtype == values.dtype:
                    tensor.data.copy_(values)
                else:
                    tensor.data = values
            owner, _, leaf = name.rpartition(".")
            assert isinstance(self._model, nn.Module)
            module = self._model.get_submodule(owner)
            if getattr(module, leaf, None) is not tensor:
                with suppress(AttributeError, KeyError, TypeError):  # a module that refuses it
                    setattr(module, leaf, tensor)

    def _tensors(self) -> dict[str, Tensor]:
        if not isinstance(self._model, nn.Module):
            return {}
        parts = {**dict(self._model.named_parameters()), **dict(self._model.named_buffers())}
        return {name: tensor for name, tensor in parts.items() if has_values(tensor)}


def digest_of(model: object, prefix: str = "") -> str:
    """Return a hash of a text and of the types, shapes and values of a model's tensors."""
    content = hashlib.sha256(prefix.encode())
    for tensor in tensors_of(model):
        content.update(repr((tensor.dtype, tuple(tensor.shape))).encode())
        plain = tensor.detach().cpu().contiguous().reshape(-1)
        content.update(plain.view(torch.uint8).numpy().data)
    return content.hexdigest()


def listed(names: list[str]) -> str:
    """Return names of tensors in words."""
    return ", ".join(names[:MAX_NAMES]) + (", ..." if names[MAX_NAMES:] else "")


def _equal(a: Tensor, b: Tensor) -> bool:
    """Return whether two tensors have the same bits; NaN equals itself."""
    if a.shape != b.shape or a.dtype != b.dtype or a.device != b.device:
        return False
    return torch.equal(*(x.contiguous().reshape(-1).view(torch.uint8) for x in (a, b)))
