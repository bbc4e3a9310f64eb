"""Stable Diffusion in-painting through diffusers, with a pipeline of random weights."""

import pytest
import torch

from tests.conftest import Convolutional, small, toy
from tests.generators import fill, small_infiller
from unsee import InputError, create, explain

pytest.importorskip("diffusers", exc_type=(ImportError, RuntimeError))


@pytest.fixture
def pictures():
    return torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def keep():
    keep = torch.ones(2, 2, 1, 64, 64)
    keep[:, 0, :, 8:40, 8:40] = 0
    keep[:, 1, :, :, 30:] = 0
    return keep


def test_fills_the_hole_and_nothing_else(pictures, keep) -> None:
    got = fill(small_infiller("diffusion"), pictures, keep).view(2, 2, 3, 64, 64)
    shown = (keep > 0).expand_as(got)
    assert torch.equal(got[shown], pictures[:, None].expand_as(got)[shown])
    assert got.isfinite().all()
    assert (got[:, 0, :, 10:38, 10:38] - pictures[:, :, 10:38, 10:38]).abs().mean() > 0.05


def test_alone_as_in_a_batch_and_again(pictures, keep) -> None:
    infiller = small_infiller("diffusion")
    together = fill(infiller, pictures, keep).view(2, 2, 3, 64, 64)
    torch.testing.assert_close(fill(infiller, pictures, keep).view_as(together), together)
    for image in range(2):
        alone = fill(infiller, pictures[image : image + 1], keep[image : image + 1], [5 + image])
        torch.testing.assert_close(alone, together[image], atol=1e-3, rtol=1e-3)


def test_removed_pixels_never_leak(pictures, keep) -> None:
    infiller = small_infiller("diffusion")
    for variant in range(2):
        one = keep[:, variant : variant + 1]
        painted = torch.where(one[:, 0] > 0, pictures, torch.tensor(0.9))
        torch.testing.assert_close(fill(infiller, painted, one), fill(infiller, pictures, one))


def test_samples_differ(pictures, keep) -> None:
    infiller = small_infiller("diffusion")
    several = create(
        "infillers", "diffusion", weights=infiller.weights, side=64, steps=2, samples=2
    )
    both = keep[:, :1].expand(-1, 2, -1, -1, -1)
    one, other = fill(several, pictures, both).view(2, 2, 3, 64, 64).unbind(1)
    assert not torch.equal(one, other)


def test_a_method_runs_with_it(pictures) -> None:
    network = toy(Convolutional(), size=64)
    method = small("sliding_patch", patch=32, stride=32)
    found = explain(network, pictures[:1], method, infiller=small_infiller("diffusion"))
    assert found.saliency.isfinite().all()


def test_what_is_no_pipeline_is_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="cannot load the pipeline"):
        create("infillers", "diffusion", weights=str(tmp_path)).load()
    with pytest.raises(InputError, match="multiple of 8"):
        create("infillers", "diffusion", side=100)
