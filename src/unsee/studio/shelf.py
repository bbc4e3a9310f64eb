"""Classifiers that the studio offers; the last ones stay in memory."""

import gc
import threading
from collections import OrderedDict
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from weakref import WeakKeyDictionary, WeakValueDictionary

import torch
from torch import Tensor

from unsee.classifiers.classifier import Classifier
from unsee.classifiers.loading import load, names_code
from unsee.classifiers.passes import Passes
from unsee.errors import InputError
from unsee.registry import trust_of

KEPT = 2
"""Classifiers that stay in memory."""


class _Loading:
    """A lock that is held while one classifier is loaded; it can be referenced weakly."""

    def __init__(self) -> None:
        self.lock = threading.Lock()


@dataclass(eq=False)
class _Loaded:
    """A classifier in memory."""

    classifier: Classifier
    copies: MutableMapping[object, Classifier] = field(default_factory=WeakKeyDictionary)
    """The copy of each user, which counts their passes; it is released with the classifier."""

    def copy_of(self, user: object) -> Classifier:
        if user not in self.copies:
            self.copies[user] = replace(self.classifier, passes=Passes())
        return self.copies[user]


@dataclass(eq=False)
class Shelf:
    """Load classifiers by name, and share them between users."""

    offered: Sequence[str]
    """Specifications that every user may choose."""
    is_open: bool = False
    """Whether users may name others; never code of Python, which runs when it is loaded."""
    device: str | None = None
    """Device of the networks; None is CUDA if it is available."""
    trust: bool = False
    """Whether the offered ones may be programs (TorchScript, torch.export)."""
    _loaded: OrderedDict[str, _Loaded] = field(default_factory=OrderedDict, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _loading: MutableMapping[str, _Loading] = field(default_factory=WeakValueDictionary, init=False)

    def get(self, spec: str, user: object) -> Classifier:
        """Return the classifier of a user, which counts their passes only.

        Whoever keeps it keeps its network in memory; ask again instead, before each use. Other
        classifiers can be had while one is loaded.

        Args:
            spec: Name of the classifier.
            user: Any object that lives as long as the classifier is used.

        Raises:
            InputError: It is not offered, names code, or cannot be loaded.
        """
        spec = spec.strip()
        self._check(spec)
        with self._lock:
            loading = self._loading.setdefault(spec, _Loading())
        with loading.lock:
            with self._lock:
                loaded = self._loaded.get(spec)
            if loaded is None:
                loaded = _Loaded(load(spec, device=self.device, trust=self.trusts(spec)))
            self._keep(spec, loaded)
            return loaded.copy_of(user)

    def trusts(self, spec: str) -> bool:
        """Return whether a classifier is a program that may be loaded."""
        return bool(trust_of("sources", spec, trust=self.trust and spec in self.offered))

    def _check(self, spec: str) -> None:
        """Raise `InputError` if users may not choose a classifier."""
        if spec in self.offered:
            return
        if not self.is_open:
            raise InputError(f"{spec}: choose one of {', '.join(self.offered)}")
        if names_code(spec):
            raise InputError(
                f"{spec} names Python code, which runs when it is loaded; ask who started the "
                "studio to offer it"
            )

    def _keep(self, spec: str, loaded: _Loaded) -> None:
        """Keep a classifier as the last one that was used, and release the earliest ones."""
        with self._lock:
            self._loaded[spec] = loaded
            self._loaded.move_to_end(spec)
            is_over = len(self._loaded) > KEPT
            while len(self._loaded) > KEPT:
                self._loaded.popitem(last=False)
        if is_over:
            gc.collect()  # networks may refer to themselves
            if torch.cuda.is_initialized():
                torch.cuda.empty_cache()


def released(classifier: Classifier) -> Classifier:
    """Return a classifier with the same classes and settings, and without its network."""
    released = replace(classifier, model=_no_network)
    released.columns = classifier.columns
    return released


def _no_network(images: Tensor) -> Tensor:
    raise InputError("the network of this result is not in memory; explain the photo again")
