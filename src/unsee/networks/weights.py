"""From a name to a file of weights: where it is, where it comes from, whether it is right."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from unsee.errors import InputError
from unsee.folders import cache

T = TypeVar("T")
Weights = dict[str, Tensor]
RANDOM = "random"
"""Instead of a file: untrained weights, the same each time, to test and to time with."""
PRETRAINED = Path(__file__).parents[1] / "pretrained"
"""Weights that come with the package, and their model cards."""


@dataclass(frozen=True)
class Published:
    """A file that somebody else publishes."""

    name: str
    """Of the file."""
    origin: str
    """Where it comes from."""
    licence: str
    digest: str = ""
    """sha256:... or md5:..., as published; empty where none is."""


def find(asked: str, published: Published, flag: str = "weights=PATH") -> Path:
    """The file asked for by path or by the name of one that ships; else what ships, or is cached.

    Raises `InputError` for a file that is not there, saying where it comes from, and for a
    published one whose checksum is wrong.
    """
    if asked:
        path = Path(asked)
        if path.exists() or path.with_name(path.name + ".index").exists():
            return path
        if path.name == asked and (ours := PRETRAINED / f"{asked}.safetensors").exists():
            return ours
        raise InputError(f"no such file: {path}; {_origin(published, flag)}")
    if (ours := PRETRAINED / published.name).exists():
        return ours
    path = cache() / "weights" / published.name
    if not path.exists():
        raise InputError(f"no weights given; {_origin(published, flag)}")
    if published.digest:
        check(path, published.digest)
    return path


def check(path: Path, digest: str) -> None:
    """Refuse a file that is not the one that was published."""
    kind, _, wanted = digest.partition(":")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, kind).hexdigest()
    if found != wanted:
        raise InputError(
            f"{path} is not the published file: its {kind} is {found}, expected {wanted}; "
            "fetch it again"
        )


def fit(network: nn.Module, weights: dict[str, Tensor], path: Path) -> nn.Module:
    """The network with these weights, ready to be asked; says which keys or shapes differ."""
    own = network.state_dict()
    missing, more = sorted(own.keys() - weights.keys()), sorted(weights.keys() - own.keys())
    shapes = [
        f"{key} {tuple(weights[key].shape)} instead of {tuple(own[key].shape)}"
        for key in own.keys() & weights.keys()
        if own[key].shape != weights[key].shape
    ]
    if missing or more or shapes:
        raise InputError(
            f"{path} holds weights of another network: missing {_some(missing)}; "
            f"unknown {_some(more)}; of another shape {_some(sorted(shapes))}"
        )
    network.load_state_dict(weights)
    return network.eval().requires_grad_(False)


def untrained(make: type[nn.Module], *arguments: object) -> nn.Module:
    """A network with random weights, the same each time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return make(*arguments).eval().requires_grad_(False)


def load(path: Path) -> dict[str, Tensor]:
    """Tensors by name from a file of safetensors or of PyTorch (no code is run)."""
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        found = torch.load(path, "cpu", weights_only=True)
    except Exception as error:  # many libraries' errors, all about this file
        raise InputError(f"cannot read weights from {path}: {error}") from error
    if isinstance(found, dict) and not all(isinstance(v, Tensor) for v in found.values()):
        for key in ("state_dict", "model", "G", "generator"):
            if isinstance(found.get(key), dict):
                found = found[key]
    if not isinstance(found, dict) or not all(isinstance(v, Tensor) for v in found.values()):
        raise InputError(f"{path} holds no tensors by name")
    return found


_READY: WeakKeyDictionary[Callable[..., Any], dict[tuple[Any, ...], Any]] = WeakKeyDictionary()
"""Networks made ready for a classifier, a module or a function, as long as that is there."""


def ready(beside: Callable[..., Any], path: Path, device: torch.device, make: Callable[[], T]) -> T:
    """What `make` makes of a file for a classifier, once while the file stays as it is."""
    known = _READY.setdefault(beside, {})
    key = (path.absolute(), path.stat().st_mtime_ns, str(device), make.__qualname__)
    if key not in known:
        known[key] = make()
    found: T = known[key]
    return found


def described(path: Path, needed: tuple[str, ...], what: str) -> tuple[dict[str, str], Weights]:
    """The words and the tensors of a file that one of our trainings wrote.

    Raises `InputError` for one that does not say what is needed.
    """
    from safetensors import safe_open

    tensors = load(path)
    about: dict[str, str] = {}
    if path.suffix == ".safetensors":
        with safe_open(path, "pt") as file:
            about = file.metadata() or {}
    lacking = sorted(set(needed) - about.keys())
    if lacking:
        raise InputError(f"{path} holds no {what}: it does not say {', '.join(lacking)}")
    return about, {k: v.float() if v.is_floating_point() else v for k, v in tensors.items()}


def for_classifier(path: Path, trained_for: str, name: str) -> None:
    """Refuse weights that were trained for another classifier, where both have a name."""
    if trained_for and name and trained_for != name:
        raise InputError(
            f"{path} was trained for the classifier {trained_for}, not for {name}; "
            "`unsee train` makes weights for yours"
        )


def _origin(published: Published, flag: str) -> str:
    place = cache() / "weights" / published.name
    return (
        f"{published.name} comes from {published.origin} ({published.licence}); "
        f"give its path with {flag}, or put it at {place}"
    )


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more if names else "none"
