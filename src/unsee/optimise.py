"""Gradient descent on masks: many images at once, each on its own."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import torch
from jaxtyping import Bool
from torch import Tensor

from unsee.score import MaskedScore
from unsee.types import Losses, Theta
from unsee.updates import Update

Loss = Callable[[MaskedScore, int, Theta], Losses]
"""One loss per image. The step selects the noise, so that a step's loss can be asked twice."""


class Iterate(NamedTuple):
    """Where the optimisation stands."""

    step: int
    theta: Theta
    losses: Losses


def minimise(
    loss: Loss, score: MaskedScore, theta: Theta, update: Update, project: Callable[[Theta], Theta]
) -> Iterator[Iterate]:
    """Minimise a loss per image, forever; the caller stops.

    Yields the parameters after each step, with the losses from which the step was taken. The
    losses are summed before differentiation: no image's gradient feels its neighbours.
    """
    state, step = update.init(theta), 0
    while True:
        with torch.enable_grad():
            theta = theta.detach().requires_grad_()
            losses = loss(score, step, theta)
            (gradient,) = torch.autograd.grad(losses.sum(), theta)
        theta, losses = theta.detach(), losses.detach()
        with torch.no_grad():
            ask = partial(_losses_of_rows, loss, score, step, project)
            theta, state = update.step(theta, gradient, losses, ask, state)
            theta, step = project(theta), step + 1
        yield Iterate(step, theta, losses)


def _losses_of_rows(
    loss: Loss,
    score: MaskedScore,
    step: int,
    project: Callable[[Theta], Theta],
    theta: Theta,
    rows: Bool[Tensor, " b"],
) -> Losses:
    """Losses of the images in `rows`, infinity for the others."""
    losses = torch.full_like(theta.flatten(1)[:, 0], torch.inf)
    losses[rows] = loss(score.rows(rows), step, project(theta[rows]))
    return losses
