"""No method and no in-filler changes the state of the process: random numbers, warnings, modes."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import random, sys, warnings
import numpy as np
import pytest
import torch
from tests.conftest import Convolutional, masked_score, small, toy
from tests.generators import small_infiller
from unsee import InputError, available, create, load
from unsee.registry import part

def state():
    return {
        "torch": torch.get_rng_state().tolist(),
        "numpy": [str(x) for x in np.random.get_state()],
        "python": random.getstate(),
        "warnings": [str(entry) for entry in warnings.filters],
        "gradients": torch.is_grad_enabled(),
        "dtype": torch.get_default_dtype(),
        "threads": torch.get_num_threads(),
        "backends": (torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic,
                     torch.are_deterministic_algorithms_enabled(), torch.backends.mkldnn.enabled,
                     torch.get_float32_matmul_precision()),
        "numpy errors": np.geterr(),
    }

def changes(run):
    before = state()
    try:
        run()
    except (InputError, ImportError, RuntimeError) as error:
        print("refused:", error, file=sys.stderr)
    after = state()
    return [key for key in before if before[key] != after[key]]

image, own = torch.rand(1, 3, 32, 32), load()
photo = torch.rand(1, 3, 224, 224)
toys = toy(Convolutional())
for name in available("methods"):
    method = small(name, steps=1, samples=2, window=8)
    score = masked_score(toys, image)
    print(name, *changes(lambda: method.attribute(score)))
    if part("methods", name).traits.needs_weights:  # the weights of the package
        method, score = create("methods", name), masked_score(own, photo)
        print(name, *changes(lambda: method.attribute(score)))
for name in available("infillers"):
    try:
        infiller = small_infiller(name)
    except pytest.skip.Exception:
        continue
    score = masked_score(toys, image, infiller)
    print(name, *changes(lambda: score(torch.full((1, 1, 1, 8, 8), 0.5))))
print("painter", *changes(lambda: masked_score(toys, image, "painter")(torch.zeros(1, 1, 1, 8, 8))))
"""


def test_first_use_of_each_method_and_infiller_leaves_the_process_as_it_was() -> None:
    """In a process of its own, because packages are imported and weights loaded only once."""
    root = Path(__file__).parents[2]
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, cwd=root, check=False
    )
    assert result.returncode == 0, result.stderr[-2000:]
    lines = result.stdout.splitlines()
    if not lines:
        pytest.fail(result.stderr[-2000:])
    assert [line for line in lines if " " in line] == []
