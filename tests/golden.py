"""Compute maps, backgrounds and ratings of every part with fixed seeds.

Run `python -m tests.golden FILE [PART ...]`.

The file holds a small version of each array and the SHA-256 of the whole array, so that a change
that must not alter results can be compared with it: bitwise on the machine that wrote it, within
tolerances on other machines.
"""

import contextlib
import dataclasses
import hashlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from skimage.data import chelsea
from torch import Tensor

from tests.conftest import Convolutional, Corner, Shifted, masked_score, small, toy
from tests.generators import SIZE, fill, holes, small_infiller
from unsee import Explanation, Study, available, create, load
from unsee.metrics.base import Truth

FILE = Path(__file__).parent / "data" / "golden.npz"
PASSES = 40
"""Forward passes of an optimiser or a sampler on the photo."""
SIDE = 16
"""Side of the arrays that are stored."""


def images() -> Tensor:
    return torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(4))


def has(name: str) -> bool:
    method = small(name)
    try:
        method.check()
    except ValueError:
        return False
    return True


def on_toys(name: str) -> Iterator[tuple[str, Tensor]]:
    """Maps of two small images, for a random and for an analytic classifier."""
    for kind, model in (("random", Convolutional()), ("corner", Shifted(Corner()))):
        with contextlib.suppress(ValueError):  # the corner has no layer to read
            explanation = explain(toy(model), images(), small(name), targets=1)
            yield f"toy/{name}/{kind}", explanation.saliency


def explain(*args: Any, **settings: Any) -> Explanation:
    """Explain images; a mask may stay empty in few steps."""
    study = Study.of(*args, **settings)
    study.accepts_constant = True
    return study.finish()


def from_a_warm_start(name: str) -> Iterator[tuple[str, Tensor]]:
    """Map of the method from the warm start of an untrained network."""
    method = small(name)
    if hasattr(method, "warm_start"):
        method = dataclasses.replace(method, warm_start="random")
        yield f"warm/{name}", explain(toy(Convolutional()), images(), method, targets=1).saliency


def on_photo(name: str) -> Iterator[tuple[str, Tensor]]:
    """Map of a photo, for the default classifier and few passes."""
    classifier = dataclasses.replace(load(device="cpu"), chunk=8)
    with contextlib.suppress(ValueError):  # some cannot read this network
        explanation = explain(classifier, chelsea(), create("methods", name), budget=PASSES)
        yield f"photo/{name}", explanation.saliency


def infillers() -> list[str]:
    """Names of the in-fillers that accept images of `SIZE` pixels; diffusers is not used."""
    return [
        name
        for name in available("infillers")
        if name != "diffusion" and getattr(small_infiller(name), "min_side", 0) <= SIZE
    ]


def of_infiller(name: str) -> tuple[str, Tensor]:
    """Backgrounds of six holes."""
    noise = torch.rand(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    return f"infiller/{name}", fill(small_infiller(name), noise, holes())


def of_metric(name: str) -> tuple[str, Tensor]:
    """Ratings of two maps."""
    fields = {field.name for field in dataclasses.fields(type(create("metrics", name)))}
    metric = create("metrics", name, **({"segments": 16} if "segments" in fields else {}))
    score = masked_score(toy(Convolutional()), images())
    maps = torch.rand(2, 32, 32, generator=torch.Generator().manual_seed(5))
    truths = [Truth(torch.tensor([[0.0, 0.0, 16.0, 16.0]]))] * 2
    method = create("methods", "sliding_patch", patch=16, stride=16)
    other = toy(Convolutional(), size=24)  # of the same classes
    return f"metric/{name}", metric.rate(score, maps, truths, method, [other])


def compute_all(parts: Sequence[str] = ()) -> Iterator[tuple[str, Tensor]]:
    """Compute the arrays of all parts, or of the parts of these names."""
    torch.set_num_threads(1)
    for name in available("metrics"):
        if not parts or name in parts or "metrics" in parts:
            yield of_metric(name)
    for name in infillers():
        if not parts or name in parts or "infillers" in parts:
            yield of_infiller(name)
    for name in filter(has, available("methods")):
        if parts and name not in parts and "methods" not in parts:
            continue
        yield from on_toys(name)
        yield from from_a_warm_start(name)
        yield from on_photo(name)


def thumbnail(values: Tensor) -> Tensor:
    """Return the array, reduced to a size that is stored."""
    if values.ndim < 3:
        return values
    planes = values.float().flatten(0, -3)[:, None]
    return F.adaptive_avg_pool2d(planes, SIDE)[:, 0]


def digest(values: Tensor) -> str:
    return hashlib.sha256(values.contiguous().float().numpy().tobytes()).hexdigest()


def write(path: Path) -> None:
    arrays, digests = {}, {}
    for key, values in compute_all():
        arrays[key] = thumbnail(values.detach()).numpy()
        digests[key] = digest(values.detach())
    np.savez_compressed(path, digests=np.array(sorted(digests.items())), **arrays)


def compare(path: Path, parts: Sequence[str]) -> int:
    """Print the arrays that are not bitwise equal, and return their number."""
    with np.load(path) as stored:
        expected, differing = dict(stored["digests"].tolist()), 0
        for key, values in compute_all(parts):
            if digest(values.detach()) != expected.pop(key, None):
                differing += 1
                print(f"differs: {key}")
        print(f"{differing} differ, {len(expected)} were not made")
        return differing


if __name__ == "__main__":
    target = Path(sys.argv[1])
    if target.exists():
        sys.exit(compare(target, sys.argv[2:]))
    write(target)
