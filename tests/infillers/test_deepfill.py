"""DeepFill's published checkpoints."""

from pathlib import Path

import numpy as np
import pytest

from tests.generators import fill
from tests.tensorflow_writer import write
from unsee import InputError, create
from unsee.networks.deepfill import DeepFill, variable_names


def checkpoint(version: int, width: int | None = None) -> dict[str, np.ndarray]:
    """Return all variables of a published checkpoint, with random values."""
    g = np.random.default_rng(version)
    variables, state = {}, DeepFill(version, width).state_dict()
    for theirs, ours in variable_names():
        shape = tuple(state[ours].shape)
        shape = (*shape[2:], shape[1], shape[0]) if theirs.endswith("kernel") else shape
        variables[theirs] = g.normal(0, 0.05, shape).astype(np.float32)
    return variables | {"discriminator/conv1/kernel": np.ones((5, 5, 3, 4), np.float32),
                        "global_step": np.array(7, np.int64)}  # fmt: skip


@pytest.mark.parametrize(("version", "count"), [(1, 3_601_542), (2, 4_057_278)])
def test_published_checkpoint_is_converted(tmp_path, pictures, keep, version, count) -> None:
    variables = checkpoint(version)
    write(tmp_path / "snap-0", variables)
    infiller = create("infillers", f"deepfill{version}", weights=str(tmp_path), side=None)
    network = infiller.load()
    assert sum(p.numel() for p in network.parameters()) == count
    kernel = variables["inpaint_net/conv13_upsample/conv13_upsample_conv/kernel"]
    np.testing.assert_array_equal(
        network.get_submodule("conv13_upsample").weight.permute(2, 3, 1, 0).numpy(), kernel
    )
    painted = fill(infiller, pictures, keep)
    assert painted.isfinite().all()
    assert (painted - pictures.repeat_interleave(2, 0)).abs().max() > 0.01


def test_checkpoint_of_another_network_is_refused(tmp_path) -> None:
    variables = checkpoint(1, 8)
    del variables["inpaint_net/pmconv9/kernel"]
    write(tmp_path / "snap-0", variables)
    with pytest.raises(InputError, match="inpaint_net/pmconv9/kernel"):
        create("infillers", "deepfill1", weights=str(tmp_path / "snap-0")).load()


def test_folder_without_a_checkpoint_is_refused() -> None:
    with pytest.raises(InputError, match="holds no TensorFlow checkpoint"):
        create("infillers", "deepfill1", weights=str(Path(__file__).parent)).load()
