"""DeepFill's padding, resizing and attention."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from unsee.networks.deepfill import pad_same
from unsee.networks.deepfill_attention import contextual_attention, resize_nearest

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture
def stored():
    """Inputs and results of TensorFlow 2.21."""
    return {k: torch.from_numpy(v) for k, v in np.load(DATA / "deepfill.npz").items()}


@pytest.fixture
def data(stored):
    """The same with channels first."""
    return {key: value.permute(0, 3, 1, 2) for key, value in stored.items()}


def test_attention_agrees_with_tensorflow(data) -> None:
    attended = contextual_attention(data["x"], data["hole"])
    torch.testing.assert_close(attended, data["attended"], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(("key", "stride", "dilation"), [("stride2", 2, 1), ("dilation4", 1, 4)])
def test_padding_agrees_with_tensorflow(stored, data, key, stride, dilation) -> None:
    kernel = stored["kernel"].permute(3, 2, 0, 1)
    padded = pad_same(data["z"], 3, stride, dilation)
    convolved = F.conv2d(padded, kernel, stride=stride, dilation=dilation)
    torch.testing.assert_close(convolved, data[key], atol=1e-5, rtol=1e-4)


def test_resizing_agrees_with_tensorflow(data) -> None:
    assert torch.equal(resize_nearest(data["z"], (26, 20)), data["twice"])


def test_attention_uses_the_hole_of_each_picture() -> None:
    x = torch.randn(2, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    hole = torch.zeros(2, 1, 16, 16)
    hole[0, :, 2:8, 2:8], hole[1, :, 9:14, 4:12] = 1, 1
    alone = torch.cat([contextual_attention(x[i : i + 1], hole[i : i + 1]) for i in range(2)])
    torch.testing.assert_close(contextual_attention(x, hole), alone)
    assert not torch.allclose(contextual_attention(x, hole.flip(0)), alone)


def test_attention_is_zero_without_a_visible_patch() -> None:
    x = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    assert (contextual_attention(x, torch.ones(1, 1, 16, 16)) == 0).all()
