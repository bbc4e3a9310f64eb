import pytest

from unsee import InputError, create, explain


def test_log_odds_are_refused_for_a_measure_that_is_no_probability(network, images) -> None:
    pda = create("methods", "pda", window=6, stride=8, samples=2)
    with pytest.raises(InputError, match="difference = plain"):
        explain(network, images[:1], pda, measure="margin")
    plain = create("methods", "pda", window=6, stride=8, samples=2, difference="plain")
    assert explain(network, images[:1], plain, measure="margin").saliency.std() > 0
