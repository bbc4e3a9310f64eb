"""Gradient descent on masks: many images at once, each on its own."""

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
"""One loss per image. The step selects the noise, so that a step's loss can be asked twice."""


class Iterate(NamedTuple):
    """Where the optimisation stands."""

    step: int
    theta: Theta
    losses: Losses


@dataclass(frozen=True)
class EarlyStopping:
    """When an image is done: its loss hardly falls any more.

    The mean loss of the last `window` steps is compared with that of the `window` before; an image
    has settled when it fell by less than `share` of its whole fall since the first `window`.
    """

    share: float
    window: int

    def settled(self, history: Float[Tensor, "t b"]) -> Bool[Tensor, " b"]:
        """Whether each image has."""
        first, before, last = (
            part.mean(0)
            for part in (
                history[: self.window],
                history[-2 * self.window : -self.window],
                history[-self.window :],
            )
        )
        return before - last < self.share * (first - last).clamp(min=0) + 1e-12


def minimise(
    loss: Loss,
    score: MaskedScore,
    theta: Theta,
    update: Optimizer,
    project: Callable[[Theta], Theta],
    *,
    early_stopping: EarlyStopping | None = None,
) -> Iterator[Iterate]:
    """Minimise a loss per image, forever or until all have settled; the caller may stop before.

    Yields the parameters after each step, with the losses from which the step was taken. The
    losses are summed before differentiation: no image's gradient feels its neighbours. An image
    that has settled is asked no more and keeps its parameters.
    """
    state, asked, history = (
        update.init(theta),
        score,
        _History(early_stopping, len(theta), theta.device),
    )
    everything, all_losses, step = theta.detach(), theta.new_zeros(len(theta)), 0
    while len(theta):
        with torch.enable_grad():
            theta = theta.detach().requires_grad_()
            losses = loss(asked, step, theta)
            (gradient,) = torch.autograd.grad(losses.sum(), theta)
        theta, losses = theta.detach(), losses.detach()
        with torch.no_grad():
            ask = partial(_losses_of, loss, asked, step, project)
            theta, state = update.step(theta, gradient, losses, ask, state)
            theta, step = project(theta), step + 1
        everything = _put(everything, history.alive, theta)
        all_losses = _put(all_losses, history.alive, losses)
        yield Iterate(step, everything, all_losses)
        staying = history.staying(all_losses)
        if staying is not None:
            theta, state = theta[staying], take(state, staying)
            asked = score.rows(history.alive)


class _History:
    """The losses so far, and who is still alive."""

    def __init__(
        self, early_stopping: EarlyStopping | None, count: int, device: torch.device
    ) -> None:
        self.early_stopping, self.losses = early_stopping, list[Tensor]()
        self.alive = torch.ones(count, dtype=torch.bool, device=device)

    def staying(self, losses: Losses) -> Bool[Tensor, " a"] | None:
        """Which of those alive stay; None if all do. Looks once in a window, as looking is slow."""
        if self.early_stopping is None:
            return None
        self.losses.append(losses)
        steps, window = len(self.losses), self.early_stopping.window
        if steps % window or steps < 3 * window:
            return None
        still = self.alive & ~self.early_stopping.settled(torch.stack(self.losses))
        if torch.equal(still, self.alive):
            return None
        staying, self.alive = still[self.alive], still
        return staying


def _put(everything: Tensor, alive: Bool[Tensor, " b"], some: Tensor) -> Tensor:
    """The rows of some images among those of all."""
    if len(some) == len(everything):
        return some
    mixed = everything.clone()
    mixed[alive] = some
    return mixed


def take(state: Any, rows: Bool[Tensor, " a"]) -> Any:
    """Some images' part of an update's state: of each tensor in it."""
    if isinstance(state, Tensor):
        return state[rows]
    return tuple(take(part, rows) for part in state) if isinstance(state, tuple) else state


def _losses_of(
    loss: Loss,
    score: MaskedScore,
    step: int,
    project: Callable[[Theta], Theta],
    theta: Theta,
    images: Int[Tensor, " n"],
) -> Losses:
    """Losses of some images, each as often as it is named."""
    return loss(score.rows(images), step, project(theta))
