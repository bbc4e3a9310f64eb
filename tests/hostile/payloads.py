"""Files of models that try to run code when they are opened."""

import io
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import nn

from tests.hostile import toy


class Payload:
    """An object whose pickle makes a file."""

    def __init__(self, canary: Path) -> None:
        self.canary = str(canary)

    def __reduce__(self):
        return os.mkdir, (self.canary,)


def plain_pickle(canary: Path, protocol=2) -> bytes:
    return pickle.dumps({"state_dict": Payload(canary)}, protocol)


def torch_pickle(canary: Path, zipped=True) -> bytes:
    """Return what torch.save writes for an object that runs code."""
    buffer = io.BytesIO()
    torch.save({"weight": Payload(canary)}, buffer, _use_new_zipfile_serialization=zipped)
    return buffer.getvalue()


def whole_module() -> bytes:
    buffer = io.BytesIO()
    torch.save(nn.Linear(2, 2), buffer)
    return buffer.getvalue()


def pickled_array(canary: Path) -> bytes:
    """Return an .npy file of an object."""
    head = b"{'descr': '|O', 'fortran_order': False, 'shape': (), }"
    head += b" " * (117 - len(head)) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head + plain_pickle(canary)


def pickled_arrays(canary: Path, *names: str) -> bytes:
    """Return an .npz file whose arrays are pickles."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(f"{name}.npy", pickled_array(canary))
    return buffer.getvalue()


class Writer(nn.Module):
    """A model that writes a file when it runs."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        torch.save(x, self.path)
        return x.mean((2, 3)) * 10


class Loader(nn.Module):
    """A model that writes a file when it is loaded."""

    path: str

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path
        self.weight = nn.Parameter(torch.zeros(1))

    @torch.jit.export
    def __getstate__(self):
        return (self.weight, self.training, self.path)

    @torch.jit.export
    def __setstate__(self, state: tuple[torch.Tensor, bool, str]):
        self.weight = state[0]
        self.training = state[1]
        self.path = state[2]
        torch.save(state[0], state[2])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((2, 3)) * 10 + self.weight


def script(module: nn.Module) -> bytes:
    import warnings

    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(module.eval()), buffer)
    return buffer.getvalue()


def exported() -> bytes:
    """Return a program of torch.export."""
    buffer = io.BytesIO()
    example = (torch.zeros(2, 3, toy.SIDE, toy.SIDE),)
    torch.export.save(torch.export.export(toy.network(), example), buffer)
    return buffer.getvalue()


def exported_with_pickle(canary: Path) -> bytes:
    """Return such a program whose sample inputs and weights are a pickle that runs code."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(exported())) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            replaced = name.endswith((".pt", ".pkl")) or "sample_inputs" in name
            new.writestr(name, torch_pickle(canary) if replaced else old.read(name))
    return buffer.getvalue()


def old_export(canary: Path) -> bytes:
    """Return a program in the first format, whose four members are pickles."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("version", "8.5")
        for name in ("serialized_exported_program.json", "serialized_state_dict.pt",
                     "serialized_constants.pt", "serialized_example_inputs.pt"):  # fmt: skip
            archive.writestr(name, "{}" if name.endswith("json") else torch_pickle(canary))
    return buffer.getvalue()


def npz(**arrays) -> bytes:
    """Return an .npz file."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def npz_claims(count: int) -> bytes:
    """Return an .npz file whose array claims more numbers than it holds."""
    head = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({count},), }}".encode()
    head += b" " * (117 - len(head)) + b"\n"
    buffer = io.BytesIO()
    content = b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in ("0.png", "1.png", "model", "targets", "images"):
            archive.writestr(f"{name}.npy", content)
    return buffer.getvalue()
