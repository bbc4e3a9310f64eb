import numpy as np
import pytest
import torch
from PIL import Image

from unsee import Explanation, InputError, explain


def test_repr_names_shape_class_method_and_infiller(network, images) -> None:
    text = repr(explain(network, images[:2], "gradient", targets=[1, 2], infiller="grey"))
    assert text == (
        "Explanation(2 x 32 x 32, classes=['1', '2'], method='gradient', infiller='grey')"
    )


def test_repr_without_provenance() -> None:
    maps = torch.zeros(1, 4, 4)
    explanation = Explanation(maps, torch.zeros(1).long(), maps[:, None], {})
    assert "Explanation(1 x 4 x 4" in repr(explanation)


def test_explanation_of_one_target_can_be_indexed() -> None:
    """The command line writes one target as a single entry."""
    maps = torch.zeros(1, 4, 4)
    provenance = {"target": {"index": 0, "name": "cat"}, "seeds": [0]}
    explanation = Explanation(maps, torch.zeros(1).long(), maps[:, None], provenance)
    assert explanation[0].provenance == provenance
    assert "classes=['cat']" in repr(explanation)


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "none"])
def test_a_folder_that_does_not_exist_is_named(name) -> None:
    with pytest.raises(InputError, match="no such folder"):
        Explanation.load(name)


def test_overlay_is_a_picture_that_is_brightest_where_the_map_is_highest(network, images) -> None:
    saliency = torch.zeros(2, *images.shape[-2:])
    saliency[1, :8, :8] = 1
    flat = torch.full_like(images[:2], 0.5)
    explanation = Explanation(saliency, torch.zeros(2).long(), flat, {})
    pixels = explanation.overlay(1)
    assert pixels.shape == (*images.shape[-2:], 3)
    assert pixels.dtype == np.uint8
    assert Image.fromarray(pixels).size == (images.shape[-1], images.shape[-2])
    assert pixels[:8, :8].min(2).min() > pixels[8:, 8:].mean()
    assert (explanation.overlay() == explanation.overlay(-2)).all()
    assert (explanation.overlay() != pixels).any()
    with pytest.raises(InputError, match="index 2 is out of range for 2"):
        explanation.overlay(2)
