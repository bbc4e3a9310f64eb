"""Find, check and load files of weights."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from unsee.errors import InputError, as_input_error
from unsee.networks.reading import Weights, read
from unsee.storage.files import check_file, parse_json
from unsee.storage.folders import cache_folder

T = TypeVar("T")
RANDOM = "random"
"""In place of a file: untrained weights, the same each time, for tests and timings."""
PRETRAINED = Path(__file__).parents[1] / "pretrained"
"""Weights that come with the package, and their model cards."""
RENAMED_LAYERS = {
    "_blocks.1._depthwise_conv": "blocks.1.depthwise",
    "_blocks.3._bn0": "blocks.3.expand",
    "_blocks.5._bn0": "blocks.5.expand",
    "_blocks.11._bn0": "blocks.11.expand",
    "_bn1": "activation",
}
"""Layers of EfficientNet-Lite0 by their names in the files that come with the package."""


@dataclass(frozen=True)
class Published:
    """A published file of weights."""

    name: str
    """Name of the file."""
    origin: str
    """Where to get the file: a URL, a repository or a command."""
    licence: str
    """Licence of the weights."""
    digest: str | None = None
    """Published checksum, `sha256:...` or `md5:...`; None if there is none."""


def find(weights: str | None, published: Published, setting: str = "weights") -> Path:
    """Return the path of a file of weights.

    Args:
        weights: A path, or the name of a file in `PRETRAINED` without its suffix. None searches
            `PRETRAINED` and then the cache folder for the published file.
        published: The file that None stands for.
        setting: Name of the setting that takes the path, for messages.

    Raises:
        InputError: There is no such file, or its checksum is not the published one.
    """
    if weights:
        path = Path(weights)
        if path.exists() or path.with_name(path.name + ".index").exists():
            return path
        if path.name == weights and (pretrained := PRETRAINED / f"{weights}.safetensors").exists():
            return pretrained
        raise InputError(f"no such file: {path}. {_instructions(published, setting)}")
    if (pretrained := PRETRAINED / published.name).exists():
        return pretrained
    path = _cached_path(published)
    if not path.exists():
        raise InputError(f"no weights. {_instructions(published, setting)}")
    if published.digest:
        check_digest(path, published.digest)
    return path


def require_trust(path: Path, kind: str, instead: str, *, trust: bool) -> None:
    """Raise `InputError` for a file that is a program, unless the user trusts it.

    Args:
        path: The file.
        kind: Its kind, for the message, such as "a TorchScript program".
        instead: A form of the same content that runs no code, for the message.
        trust: Whether the user trusts the file.
    """
    if not trust:
        raise InputError(
            f"{path} is {kind}, which can run any code when it is loaded; set {{trust}} if you "
            f"trust its author, or use {instead}",
            trust=True,
        )


@contextmanager
def random_state_kept() -> Iterator[None]:
    """Restore torch's global random state: making a network draws numbers that are not used."""
    with torch.random.fork_rng(devices=[]):  # networks are made on the CPU
        yield


def has_digest(path: Path, digest: str | None) -> bool:
    """Return whether a file has the checksum `sha256:...` or `md5:...`; False without one."""
    if digest is None:
        return False
    try:
        check_digest(path, digest)
    except InputError:
        return False
    return True


def check_digest(path: Path, digest: str) -> None:
    """Raise `InputError` unless a file has the checksum `sha256:...` or `md5:...`."""
    algorithm, _, expected = digest.partition(":")
    with check_file(path, "file of weights").open("rb") as file:
        actual = hashlib.file_digest(file, algorithm).hexdigest()
    if actual != expected:
        raise InputError(
            f"{path} is not the published file: its {algorithm} is {actual}, expected {expected}; "
            "download it again"
        )


def load_into(network: nn.Module, weights: Weights, path: Path) -> nn.Module:
    """Load weights into a network and return it in evaluation mode, without gradients.

    Raises:
        InputError: Keys or shapes differ, or integers or complex numbers are stored in place of
            floating-point numbers, such as quantised weights without their scales; `path` is named
            in the message.
    """
    expected = network.state_dict()
    missing = sorted(expected.keys() - weights.keys())
    unexpected = sorted(weights.keys() - expected.keys())
    shapes = [
        f"{key} {tuple(weights[key].shape)} instead of {tuple(expected[key].shape)}"
        for key in expected.keys() & weights.keys()
        if expected[key].shape != weights[key].shape
    ]
    if missing or unexpected or shapes:
        raise InputError(
            f"{path} holds weights of another network: missing {_first_three(missing)}; "
            f"unexpected {_first_three(unexpected)}; "
            f"of another shape {_first_three(sorted(shapes))}"
        )
    other_numbers = [
        f"{key} of {_type(weights[key])} instead of {_type(expected[key])}"
        for key in sorted(expected)
        if expected[key].is_floating_point() and not weights[key].is_floating_point()
    ]
    if other_numbers:
        raise InputError(
            f"{path} holds weights of another type: {_first_three(other_numbers)}; expected "
            "floating-point numbers, not quantised or complex ones"
        )
    network.load_state_dict(weights)
    return network.eval().requires_grad_(False)


def renamed(weights: Weights, rename: Callable[[str], str], path: Path) -> Weights:
    """Return weights by other names.

    Raises:
        InputError: Two of them would have the same name, so that one of them would be lost.
    """
    names: dict[str, str] = {}
    for key in weights:
        if (other := names.setdefault(rename(key), key)) != key:
            raise InputError(
                f"{path} holds two tensors for {rename(key)}, {other} and {key}; remove those that "
                "the network does not use"
            )
    return {name: weights[key] for name, key in names.items()}


def untrained(make: type[nn.Module], *arguments: object) -> nn.Module:
    """Return a network with random weights, the same each time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return make(*arguments).eval().requires_grad_(False)


def load_trained(
    path: Path, required: tuple[str, ...], kind: str
) -> tuple[dict[str, str], Weights]:
    """Read the metadata and the tensors of a file that `unsee train` wrote.

    Args:
        path: A .safetensors file.
        required: Keys that the metadata must have.
        kind: What the file should hold, for the message.

    Raises:
        InputError: The metadata lack a required key.
    """
    from safetensors import safe_open

    tensors = read(path)
    metadata: dict[str, str] = {}
    if path.suffix == ".safetensors":
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
    missing = sorted(set(required) - metadata.keys())
    if missing:
        raise InputError(f"{path} holds no {kind}: its metadata lack {', '.join(missing)}")
    if "stages" in metadata:
        layers = parse_json(metadata["stages"], path)
        if not isinstance(layers, list) or not all(isinstance(name, str) for name in layers):
            raise InputError(f"{path}: expected a list of layers, got {metadata['stages'][:100]!r}")
        metadata["stages"] = json.dumps([RENAMED_LAYERS.get(layer, layer) for layer in layers])
    return metadata, {k: v.float() if v.is_floating_point() else v for k, v in tensors.items()}


_CACHE: WeakKeyDictionary[Callable[..., Any], dict[tuple[Any, ...], Any]] = WeakKeyDictionary()
"""Results of `cached` by owner, for the lifetime of the owner."""


def cached(owner: Callable[..., Any], path: Path, device: torch.device, make: Callable[[], T]) -> T:
    """Return `make()`, called once for an owner, a device and a file as long as it is unchanged.

    Raises:
        InputError: `make` fails, because the content of the file is not what it should be.
    """
    results = _CACHE.setdefault(owner, {})
    key = (path.absolute(), path.stat().st_mtime_ns, str(device), make.__qualname__)
    if key not in results:
        with random_state_kept(), as_input_error(f"{path}: cannot be used"):
            results[key] = make()
    result: T = results[key]
    return result


def check_classifier(path: Path, trained_for: str, name: str) -> None:
    """Raise `InputError` for weights of another classifier, if both classifiers have a name."""
    if trained_for and name and trained_for != name:
        raise InputError(
            f"{path} was trained for the classifier {trained_for}, not for {name}; "
            "`unsee train` makes weights for yours"
        )


def _cached_path(published: Published) -> Path:
    return cache_folder() / "weights" / published.name


def _instructions(published: Published, setting: str) -> str:
    return (
        f"Expected {published.name} from {published.origin} (licence: {published.licence}): "
        f"put it at {_cached_path(published)}, or give its path with {setting}=PATH"
    )


def _type(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _first_three(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more if names else "none"
