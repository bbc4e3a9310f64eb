import pytest
import torch

from unsee import InputError
from unsee.networks.head import class_weights
from unsee.networks.ranking_decoder import RankingDecoder


def test_decoder_uses_the_weights_of_the_last_layer() -> None:
    network = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Linear(3, 5))
    rows = class_weights(network, 5)
    assert rows.shape == (5, 3)
    assert rows.mean() == pytest.approx(0, abs=1e-6)
    correlation = torch.corrcoef(
        torch.stack([rows.flatten(), network[1].weight.detach().flatten()])
    )[0, 1]
    assert correlation == pytest.approx(1, abs=1e-5)
    assert class_weights(network, 7) is None
    assert class_weights(torch.nn.Conv2d(3, 5, 3), 5) is None
    assert class_weights(torch.nn.Conv2d(3, 5, 1), 5).shape == (5, 3)
    decoder = RankingDecoder((4, 3), 5, width=6, grid=8, rows=rows).eval()
    features = [torch.rand(1, 4, 16, 16), torch.rand(1, 3, 4, 4)]
    one, other = (decoder(features, torch.tensor([k])) for k in (0, 1))
    assert decoder.activated
    assert one.shape == (1, 1, 8, 8)
    assert not torch.equal(one, other)
    assert "rows" not in decoder.state_dict()


def test_decoder_refuses_features_of_another_classifier() -> None:
    decoder = RankingDecoder((4, 6), 3, width=5, grid=8)
    target = torch.tensor([2])
    features = [torch.rand(1, 4, 16, 16), torch.rand(1, 6, 4, 4)]
    assert decoder.eval()(features, target).shape == (1, 1, 8, 8)
    with pytest.raises(InputError, match="another classifier"):
        decoder(features[::-1], target)
