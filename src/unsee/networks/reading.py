"""Read tensors by name from files of weights, without running code."""

import zipfile
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from unsee.errors import InputError, reason
from unsee.storage.files import check_file

Weights = dict[str, Tensor]
Kind = Literal["weights", "script", "export", "compiled"]
"""Kind of a file: tensors, a TorchScript program, a torch.export program, or machine code."""

WRAPPER_KEYS = ("state_dict", "model_state_dict", "model", "G", "generator")
"""Keys under which training code stores the weights among other objects."""
PLAIN_MEMBERS = {
    "data.pkl", "version", "byteorder", ".format_version", ".storage_alignment",
    ".data/serialization_id",
}  # fmt: skip
"""Members of a zip archive that torch.save writes, besides `data/0`, `data/1` and so on."""
MAX_MEMBERS = 1_000_000
"""Largest number of members of a zip archive."""


def kind_of(path: Path) -> Kind:
    """Return the kind of a file by its content; its name says nothing.

    Every zip archive with more than what torch.save writes is a program.

    Raises:
        InputError: There is no such file.
    """
    if not zipfile.is_zipfile(check_file(path, "file of weights")):
        return "weights"
    names = [item.filename for item in _members(path)]
    inner = [name.partition("/")[2] for name in names]
    if any("/code/" in name or name.startswith("code/") for name in names):
        return "script"
    if any(name.endswith((".so", ".o", ".cubin", ".dll", ".pyd")) for name in names):
        return "compiled"
    return "weights" if all(map(_is_plain, inner)) else "export"


def read(path: Path) -> Weights:
    """Read tensors by name from a file of safetensors or of torch.save.

    Pickled objects are refused, because unpickling can run any code. Weights under one of
    `WRAPPER_KEYS` are unwrapped.

    Raises:
        InputError: The file cannot be read, or holds something else.
    """
    check_file(path, "file of weights")
    content = _content(path)
    if isinstance(content, dict) and not _is_weights(content):
        for key in WRAPPER_KEYS:
            if isinstance(content.get(key), dict):
                content = content[key]
    if not _is_weights(content):
        raise InputError(f"{path}: expected a dictionary of names to tensors")
    weights: Weights = content
    for name, value in weights.items():
        if not _is_whole(value):
            raise InputError(f"{path}: {name} is no tensor with a value for each element")
    return weights


def _content(path: Path) -> Any:
    try:
        return _safetensors(path) if path.suffix == ".safetensors" else _torch(path)
    except InputError:
        raise
    except Exception as error:  # each library raises its own errors about a damaged file
        raise InputError(
            f"{path}: cannot read weights ({_why(error)}). Pickled models are never loaded, "
            "because they can run any code; save model.state_dict() with safetensors and name its "
            "architecture, or export the model to ONNX"
        ) from error


def _safetensors(path: Path) -> Any:
    from safetensors.torch import load_file

    return load_file(path)


def _torch(path: Path) -> Any:
    if zipfile.is_zipfile(path):
        for item in _members(path):
            if not _is_plain(item.filename.partition("/")[2]):
                raise InputError(f"{path}: is a program, not a file of weights")
            if item.file_size > item.compress_size:  # torch.save does not compress
                raise InputError(
                    f"{path}: {item.filename} is compressed; save the weights with torch.save"
                )
    return torch.load(path, "cpu", weights_only=True)


def _members(path: Path) -> list[zipfile.ZipInfo]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except Exception as error:  # BadZipFile, NotImplementedError, UnicodeDecodeError and others
        raise InputError(f"{path}: is a damaged zip archive ({reason(error)})") from error
    if len(members) > MAX_MEMBERS:
        raise InputError(f"{path}: has {len(members):,} members, more than {MAX_MEMBERS:,}")
    return members


def _is_plain(member: str) -> bool:
    folder, _, name = member.partition("/")
    return member in PLAIN_MEMBERS or (folder == "data" and name.isdecimal())


def _why(error: Exception) -> str:
    """Return the reason; torch advises to unpickle the file in its first line."""
    name = type(error).__name__
    return "it holds pickled objects" if name == "UnpicklingError" else reason(error)


def _is_weights(content: object) -> bool:
    return isinstance(content, dict) and all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in content.items()
    )


def _is_whole(value: Tensor) -> bool:
    """Return whether a tensor has as many values in memory as elements."""
    if value.layout != torch.strided or value.device.type != "cpu" or value.is_quantized:
        return False
    return value.numel() * value.element_size() <= value.untyped_storage().nbytes()
