from dataclasses import replace

import pytest
import torch

from tests.conftest import masked_score
from unsee.masking.minimise import EarlyStopping, minimise
from unsee.masking.optimizers import Adam, LineSearch


def identity(theta):
    return theta


def test_converged_images_are_not_evaluated_again(network, images) -> None:
    score, evaluated = masked_score(network, images), []

    def loss(rows, step, theta):
        evaluated.append(len(theta))
        return rows.targets.to(theta) * theta.mean(1)  # constant for an image with target 0

    score = replace(score, targets=torch.tensor([0, 1, 0]))
    path = minimise(
        loss, score, torch.zeros(3, 4), Adam(0.1), identity, early_stopping=EarlyStopping(0.01, 2)
    )
    iterates = [next(path) for _ in range(10)]
    assert evaluated == [3] * 6 + [1] * 4
    assert torch.equal(iterates[-1].theta[0], iterates[5].theta[0])
    assert iterates[-1].theta[1].mean() < iterates[5].theta[1].mean()
    assert iterates[-1].step == 10


def test_iteration_ends_once_all_images_have_converged(network, images) -> None:
    path = minimise(
        lambda rows, step, theta: 0 * theta.mean(1), masked_score(network, images),
        torch.zeros(3, 4), Adam(0.1), identity, early_stopping=EarlyStopping(0.01, 2),
    )  # fmt: skip
    assert len(list(path)) == 6


def test_line_search_ends_at_the_smallest_step_size(network, images) -> None:
    """A loss that never decreases enough rejects every step size."""
    optimizer, theta = LineSearch(first=1.0, shrink=0.5, smallest=0.25), torch.zeros(2, 4)
    moved, sizes = optimizer.step(
        theta, torch.ones(2, 4), torch.zeros(2), lambda trial, at: torch.ones(len(at)),
        optimizer.init(theta),
    )  # fmt: skip
    torch.testing.assert_close(moved, torch.full((2, 4), -0.25))
    assert sizes.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("previous", "last", "converged"),
    [(1.0, 0.5, True), (1.1, 0.0, False), (0.9, 0.0, True), (5.0, 6.0, True), (12.0, 11.0, False)],
)
def test_image_has_converged_once_its_loss_falls_by_a_tenth_of_its_fall(
    previous, last, converged
) -> None:
    """The losses start at 10; a window has two steps, of which the mean counts."""
    windows = [10.0, 7.0, previous, last]
    history = torch.tensor([[mean + d] for mean in windows for d in (-3.0, 3.0)])
    assert EarlyStopping(0.1, 2).converged(history).tolist() == [converged]
