"""Minimise a loss of masks by gradient descent, for many images at once and independently."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from unsee.masking.optimizers import Optimizer
from unsee.masking.score import MaskedScore
from unsee.types import Losses, Theta

Loss = Callable[[MaskedScore, int, Theta], Losses]
"""One loss per image. The step selects the noise, so that a step's loss can be evaluated again."""


class Iterate(NamedTuple):
    """State of the optimisation after a step."""

    step: int
    """Number of steps taken."""
    theta: Theta
    """Parameters after the step."""
    losses: Losses
    """Losses before the step."""


@dataclass(frozen=True)
class EarlyStopping:
    """Criterion that ends the optimisation of an image once its loss plateaus.

    The mean loss of the last `window` steps is compared with that of the `window` steps before. An
    image has converged if the decrease is less than `tolerance` times its decrease since the first
    `window` steps.
    """

    tolerance: float
    """Share of the total decrease below which an image has converged."""
    window: int
    """Number of steps over which losses are averaged."""

    def converged(self, history: Float[Tensor, "t b"]) -> Bool[Tensor, " b"]:
        """Return whether each image has converged, from the losses of all steps."""
        first, previous, last = (
            part.mean(0)
            for part in (
                history[: self.window],
                history[-2 * self.window : -self.window],
                history[-self.window :],
            )
        )
        return previous - last < self.tolerance * (first - last).clamp(min=0) + 1e-12


def minimise(
    loss: Loss,
    score: MaskedScore,
    theta: Theta,
    optimizer: Optimizer,
    project: Callable[[Theta], Theta],
    *,
    early_stopping: EarlyStopping | None = None,
) -> Iterator[Iterate]:
    """Minimise one loss per image and yield the parameters after each step.

    The iterator does not end by itself unless all images have converged; the caller stops it. The
    losses are summed before differentiation, so the gradients of different images are independent.
    An image that has converged is not evaluated again and keeps its parameters.

    Args:
        loss: Loss of each image.
        score: Score of the masked images.
        theta: Initial parameters (b, ...).
        optimizer: Rule that updates the parameters.
        project: Maps parameters to the nearest valid ones, after each step.
        early_stopping: When an image has converged; None never stops an image.
    """
    active_score, state = score, optimizer.init(theta)
    history = _History(early_stopping, len(theta), theta.device)
    all_theta, all_losses, step = theta.detach(), theta.new_zeros(len(theta)), 0
    while len(theta):
        with torch.enable_grad():
            theta = theta.detach().requires_grad_()
            losses = loss(active_score, step, theta)
            (gradient,) = torch.autograd.grad(losses.sum(), theta)
        theta, losses = theta.detach(), losses.detach()
        with torch.no_grad():
            evaluate = partial(_losses_of_rows, loss, active_score, step, project)
            theta, state = optimizer.step(theta, gradient, losses, evaluate, state)
            theta, step = project(theta), step + 1
        all_theta = _merge(all_theta, history.active, theta)
        all_losses = _merge(all_losses, history.active, losses)
        yield Iterate(step, all_theta, all_losses)
        remaining = history.remaining(all_losses)
        if remaining is not None:
            theta, state = theta[remaining], select(state, remaining)
            active_score = score.rows(history.active)


class _History:
    """Losses of all steps, and the images that have not converged."""

    def __init__(
        self, early_stopping: EarlyStopping | None, count: int, device: torch.device
    ) -> None:
        self.early_stopping, self.losses = early_stopping, list[Tensor]()
        self.active = torch.ones(count, dtype=torch.bool, device=device)

    def remaining(self, losses: Losses) -> Bool[Tensor, " a"] | None:
        """Return which of the active images stay active; None if all do.

        The criterion is evaluated once per window, because each evaluation waits for the device.
        """
        if self.early_stopping is None:
            return None
        self.losses.append(losses)
        steps, window = len(self.losses), self.early_stopping.window
        if steps % window or steps < 3 * window:
            return None
        active = self.active & ~self.early_stopping.converged(torch.stack(self.losses))
        if torch.equal(active, self.active):
            return None
        remaining, self.active = active[self.active], active
        return remaining


def _merge(values: Tensor, active: Bool[Tensor, " b"], rows: Tensor) -> Tensor:
    """Return the values of all images, with those of the active images replaced by `rows`."""
    if len(rows) == len(values):
        return rows
    result = values.clone()
    result[active] = rows
    return result


def select(state: Any, rows: Bool[Tensor, " a"]) -> Any:
    """Return selected rows of every tensor in an optimizer's state."""
    if isinstance(state, Tensor):
        return state[rows]
    return tuple(select(part, rows) for part in state) if isinstance(state, tuple) else state


def _losses_of_rows(
    loss: Loss,
    score: MaskedScore,
    step: int,
    project: Callable[[Theta], Theta],
    theta: Theta,
    images: Int[Tensor, " n"],
) -> Losses:
    """Return the losses of images selected by number, each as often as it is selected."""
    return loss(score.rows(images), step, project(theta))
