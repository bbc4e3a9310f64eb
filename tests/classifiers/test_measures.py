import pytest
import torch

from unsee import InputError
from unsee.classifiers.measures import log_odds, margin, named, probability


def test_measures_match_definitions() -> None:
    logits, targets = torch.tensor([[0.0, 1.0, 3.0], [2.0, 2.0, 2.0]]), torch.tensor([2, 0])
    p = torch.exp(torch.tensor(3.0)) / torch.exp(logits[0]).sum()
    torch.testing.assert_close(probability(logits, targets), torch.tensor([p, 1 / 3]))
    expected = torch.tensor([torch.log(p / (1 - p)), torch.log(torch.tensor(0.5))])
    torch.testing.assert_close(log_odds(logits, targets), expected)
    torch.testing.assert_close(margin(logits, targets), torch.tensor([2.0, 0.0]))
    assert named("logit")(logits, targets).tolist() == [3.0, 2.0]


def test_unknown_measure_suggests_a_name() -> None:
    with pytest.raises(InputError, match="did you mean 'log_odds'"):
        named("logodds")


def test_log_odds_are_finite_for_certain_predictions() -> None:
    logits = torch.tensor([[200.0, 0.0, 0.0]])
    value = log_odds(logits, torch.tensor([0]))
    assert value.isfinite().all()
    assert value > 100
