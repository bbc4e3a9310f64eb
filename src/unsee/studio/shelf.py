"""Classifiers that the studio offers; the last ones stay in memory."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from unsee.classifiers.classifier import Classifier
from unsee.classifiers.loading import load, names_code
from unsee.classifiers.passes import Passes
from unsee.errors import InputError

KEPT = 2
"""Classifiers that stay in memory."""


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
    _loaded: OrderedDict[str, Classifier] = field(default_factory=OrderedDict, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def get(self, spec: str) -> Classifier:
        """Return a classifier that counts its own passes.

        Raises:
            InputError: It is not offered, names code, or cannot be loaded.
        """
        spec = spec.strip()
        if spec not in self.offered:
            if not self.is_open:
                raise InputError(f"{spec}: choose one of {', '.join(self.offered)}")
            if names_code(spec):
                raise InputError(
                    f"{spec} names Python code, which runs when it is loaded; ask who "
                    "started the studio to offer it"
                )
        with self._lock:
            if spec not in self._loaded:
                trust = self.trust and spec in self.offered
                self._loaded[spec] = load(spec, device=self.device, trust=trust)
            self._loaded.move_to_end(spec)
            while len(self._loaded) > KEPT:
                self._loaded.popitem(last=False)
            return replace(self._loaded[spec], passes=Passes())
