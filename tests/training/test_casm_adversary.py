import pytest
import torch

from unsee.training.casm_adversary import MAX_SNAPSHOTS, AreaFactor, add_snapshot, mask_losses


def test_area_counts_only_for_masks_that_change_a_correct_prediction() -> None:
    logits = torch.tensor([[5.0, 0.0], [0.0, 5.0], [0.0, 5.0]])
    labels, correct = torch.tensor([0, 0, 0]), torch.tensor([True, True, False])
    mask = torch.tensor([0.2, 0.6, 0.9]).view(3, 1, 1, 1).expand(3, 1, 4, 4)
    evidence, area = mask_losses("entropy", logits, mask, labels, correct)
    assert area.item() == pytest.approx(0.6 / 3)
    p = torch.softmax(logits[0], 0)
    assert evidence.item() == pytest.approx(2 * (p * p.log()).sum().item() / 3, abs=1e-6)
    evidence, _ = mask_losses("classification", logits, mask, labels, correct)
    log_p = logits.log_softmax(1)[:, 0]
    assert evidence.item() == pytest.approx((log_p[0] + log_p[1]).item() / 3, abs=1e-6)


def test_snapshots_are_copies_and_limited() -> None:
    network, snapshots = torch.nn.Linear(2, 2), []
    add_snapshot(snapshots, network, seed=0)
    stored = {key: value.clone() for key, value in snapshots[0].items()}
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(1)
    assert all(torch.equal(stored[key], value) for key, value in snapshots[0].items())
    for seed in range(1, 40):
        add_snapshot(snapshots, network, seed)
    assert len(snapshots) == MAX_SNAPSHOTS
    few = []
    for seed in range(3):
        add_snapshot(few, network, seed, limit=2)
    assert len(few) == 2


def test_area_factor_follows_the_excess_within_its_bound() -> None:
    factor = AreaFactor()
    factor.update(torch.tensor(0.5))
    assert factor.log.item() == pytest.approx(0.01)
    factor.update(torch.tensor(-1000.0))
    assert factor.log.item() == -1
