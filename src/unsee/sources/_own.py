"""Settings that a model of the user's own needs, and a source's usual ones do not."""

import importlib
import sys
from abc import ABC
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unsee.classifiers.classifier import IMAGENET_MEAN, IMAGENET_STD
from unsee.errors import InputError
from unsee.images.framing import Framing
from unsee.sources._imagenet import labels as imagenet_labels
from unsee.sources.base import Source


@dataclass(frozen=True)
class OwnModel(Source, ABC):
    """A model that does not say how it wants to be fed."""

    mean: tuple[float, ...] = IMAGENET_MEAN
    """Subtracted from each channel, pixels in [0, 1]; as many numbers as channels."""
    std: tuple[float, ...] = IMAGENET_STD
    """By which each channel is divided."""
    share: float = 0.875
    """Side of the centre crop as a share of the largest one."""
    labels: str = ""
    """Text file with one class name a line, or `imagenet`."""

    def feeding(self) -> dict[str, Any]:
        """The settings as `Classifier` takes them."""
        return {
            "mean": self.mean,
            "std": self.std,
            "framing": Framing(share=self.share),
            "labels": read_labels(self.labels),
        }


def read_labels(path: str) -> tuple[str, ...]:
    """Class names from a text file, one a line; `imagenet` is known; nothing gives none."""
    if path in {"", "imagenet"}:
        return imagenet_labels() if path else ()
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file of class names (one a line, or say `imagenet`)")
    return tuple(Path(path).read_text(encoding="utf-8").splitlines())


def imported(path: str) -> Any:
    """The object that `package.module:name` stands for; the working folder is searched too."""
    module, _, name = path.partition(":")
    if not module or not name:
        raise InputError(f"expected package.module:name, got {path!r}")
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        return getattr(importlib.import_module(module), name)
    except ImportError as error:
        raise InputError(f"{path}: cannot import {module} ({error})") from error
    except AttributeError as error:
        raise InputError(f"{path}: {module} has no {name}") from error
    finally:
        sys.path.remove(here)
