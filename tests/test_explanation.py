import pytest
import torch

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
def test_a_folder_that_cannot_exist_is_no_result(name) -> None:
    with pytest.raises(InputError, match="not a finished result"):
        Explanation.load(name)
