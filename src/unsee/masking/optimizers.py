"""Optimizers as pure functions with one step size, or one state, for each image."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from unsee.types import Losses, Theta

Evaluate = Callable[[Theta, Int[Tensor, " n"]], Losses]
"""From parameters (n, ...) and the numbers of their images, which may repeat, to losses (n,)."""


class Optimizer(ABC):
    """A rule that updates parameters. Settings are frozen, and the state is explicit.

    The parameters (b, ...) of b images are updated independently of each other.
    """

    @abstractmethod
    def init(self, theta: Theta) -> Any:
        """Return the state before the first step."""

    @abstractmethod
    def step(
        self, theta: Theta, gradient: Theta, losses: Losses, evaluate: Evaluate, state: Any
    ) -> tuple[Theta, Any]:
        """Return the parameters and the state after one step.

        Args:
            theta: Parameters.
            gradient: Gradient of each image's loss.
            losses: Losses at `theta`.
            evaluate: Evaluates the losses at other parameters, for a line search.
            state: State before the step.
        """


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam (Kingma & Ba, ICLR 2015, https://arxiv.org/abs/1412.6980).

    The learning rate can fall linearly to zero.
    """

    rate: float
    """Learning rate."""
    fade: int | None = None
    """Number of steps over which the learning rate falls to zero; None keeps it constant."""
    decay: tuple[float, float] = (0.9, 0.999)
    """Decay rates of the running means of the gradient and of its square."""
    damping: float = 0.0
    """Share, of the largest root mean square that the image's gradient has had, that is added to
    the denominator, so that parameters with a small gradient move little. 0 is Adam as published,
    and a large share is gradient descent with momentum."""

    def init(self, theta: Theta) -> tuple[int, Theta, Theta, Theta]:
        """Return zero steps, zero running means and no gradient."""
        zeros = torch.zeros_like(theta)
        return 0, zeros, zeros, theta.new_zeros(len(theta), *[1] * (theta.ndim - 1))

    def step(
        self,
        theta: Theta,
        gradient: Theta,
        losses: Losses,
        evaluate: Evaluate,
        state: tuple[int, Theta, Theta, Theta],
    ) -> tuple[Theta, tuple[int, Theta, Theta, Theta]]:
        """Move by the bias-corrected ratio of the two running means."""
        t, first, second, largest = state
        rate = self.rate * (1 - t / self.fade) if self.fade else self.rate
        t, (a, b) = t + 1, self.decay
        first = a * first + (1 - a) * gradient
        second = b * second + (1 - b) * gradient**2
        denominator = (second / (1 - b**t)).sqrt() + 1e-8
        if self.damping:
            size = gradient.square().flatten(1).mean(1).sqrt().view_as(largest)
            largest = torch.maximum(largest, size)
            denominator = denominator + self.damping * largest
        return theta - rate * (first / (1 - a**t) / denominator), (t, first, second, largest)


@dataclass(frozen=True)
class Nesterov(Optimizer):
    """Accelerated gradient descent with a fixed rate (Nesterov, 1983).

    velocity' = momentum velocity - rate gradient;
    theta' = theta + momentum velocity' - rate gradient
    """

    rate: float
    """Learning rate."""
    momentum: float = 0.9
    """Decay rate of the velocity."""

    def init(self, theta: Theta) -> Theta:
        """Return a velocity of zero."""
        return torch.zeros_like(theta)

    def step(
        self, theta: Theta, gradient: Theta, losses: Losses, evaluate: Evaluate, state: Theta
    ) -> tuple[Theta, Theta]:
        """Apply one accelerated step."""
        velocity = self.momentum * state - self.rate * gradient
        return theta + self.momentum * velocity - self.rate * gradient, velocity


@dataclass(frozen=True)
class Momentum(Optimizer):
    """Heavy-ball gradient descent (Polyak, 1964).

    velocity' = momentum velocity + gradient; theta' = theta - rate velocity'
    """

    rate: float
    """Learning rate."""
    momentum: float = 0.9
    """Decay rate of the velocity."""

    def init(self, theta: Theta) -> Theta:
        """Return a velocity of zero."""
        return torch.zeros_like(theta)

    def step(
        self, theta: Theta, gradient: Theta, losses: Losses, evaluate: Evaluate, state: Theta
    ) -> tuple[Theta, Theta]:
        """Apply one momentum step."""
        velocity = self.momentum * state + gradient
        return theta - self.rate * velocity, velocity


@dataclass(frozen=True)
class LineSearch(Optimizer):
    """Gradient descent with a backtracking line search for each image (Armijo, 1966).

    A step size is accepted if loss(theta - size gradient) <= loss - slope size |gradient|^2.
    """

    first: float = 1000.0
    """Step size that is tried first."""
    shrink: float = 0.2
    """Factor of the next step size after a rejected one."""
    slope: float = 1e-4
    """Share of the linearly predicted decrease that an accepted step must reach."""
    smallest: float = 1e-5
    """Step size at which a search ends; the step is then taken without the condition."""
    grow: float | None = None
    """Factor between the last accepted step size and the first one of the next search, which is
    `first` at most; None starts every search from `first`."""
    width: int = 1
    """Number of step sizes evaluated at once. A larger number takes fewer rounds, which suits a
    GPU, and more passes; the accepted step size is the same."""

    def init(self, theta: Theta) -> Tensor:
        """Return the step size to try first, for each image."""
        return theta.new_full((len(theta),), self.first)

    def step(
        self, theta: Theta, gradient: Theta, losses: Losses, evaluate: Evaluate, state: Tensor
    ) -> tuple[Theta, Tensor]:
        """Shrink the step size of each image until its loss decreases enough."""

        def moved(size: Tensor, images: Tensor) -> Theta:
            return theta[images] - size.view(-1, *[1] * (theta.ndim - 1)) * gradient[images]

        slope = self.slope * gradient.pow(2).flatten(1).sum(1)
        everything = torch.arange(len(theta), device=theta.device)
        size, searching = state.clone(), everything
        shrink = self.shrink ** torch.arange(self.width, device=theta.device)
        while len(searching):
            sizes = size[searching, None] * shrink  # (images, width)
            images = searching.repeat_interleave(self.width)
            trial_losses = evaluate(moved(sizes.flatten(), images), images).view_as(sizes)
            accepted = trial_losses <= losses[searching, None] - sizes * slope[searching, None]
            ends = accepted | (sizes <= self.smallest)
            done, first = ends.any(1), ends.int().argmax(1)
            size[searching] = torch.where(
                done, sizes.gather(1, first[:, None])[:, 0], sizes[:, -1] * self.shrink
            )
            searching = searching[~done]
        start = torch.full_like(size, self.first)
        next_size = (size * self.grow).clamp(max=self.first) if self.grow else start
        return moved(size, everything), next_size
