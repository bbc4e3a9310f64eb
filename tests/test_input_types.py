"""Types of images, targets and in-fillers that `explain` takes."""

import numpy as np
import pytest
import torch

from unsee import InputError, Study, create, explain
from unsee.study import resolve_parts


def test_targets_may_be_numpy_arrays_and_tensors(network, images) -> None:
    rise = create("methods", "rise", samples=8)
    expected = explain(network, images, rise, targets=[1, 2, 3]).saliency
    for targets in (np.array([1, 2, 3]), list(np.array([1, 2, 3])), torch.tensor([1, 2, 3])):
        assert torch.equal(explain(network, images, rise, targets=targets).saliency, expected)
    assert explain(network, images, rise, targets=np.int64(1)).targets.tolist() == [1, 1, 1]
    with pytest.raises(InputError, match="by number or name"):
        explain(network, images, rise, targets=np.array([0.5, 1.5, 2.5]))
    with pytest.raises(InputError, match="no class names"):
        explain(network, images, rise, targets="beagle")


def test_images_may_be_a_list_of_tensors_or_require_gradients(network, images) -> None:
    rise = create("methods", "rise", samples=8)
    expected = explain(network, images, rise).saliency
    assert torch.equal(explain(network, list(images), rise).saliency, expected)
    with_gradient = images.clone().requires_grad_()
    lime = create("methods", "lime", superpixels="grid", segments=4, samples=8)
    assert not explain(network, with_gradient, lime).saliency.requires_grad
    with pytest.raises(InputError, match="one shape"):
        explain(network, [images[0], images[0, :, :20]], rise)


def test_infiller_of_a_method_keeps_its_published_settings(network, images) -> None:
    mp = create("methods", "mp", steps=1, grid=4)
    assert resolve_parts(mp, "blur").infiller.sigma == 10
    assert Study.of(network, images, mp, infiller="blur").score.infiller.sigma == 10
    assert Study.of(network, images, "tide", infiller="blur").score.infiller.sigma == 50
