"""Rules that move parameters downhill: pure, each image on its own."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from unsee.types import Losses, Theta

Ask = Callable[[Theta, Int[Tensor, " n"]], Losses]
"""Losses at parameters (n, ...) of these images; an image may be asked about several times."""


class Optimizer(ABC):
    """A rule that moves parameters downhill. Hyper-parameters are frozen, the state explicit."""

    @abstractmethod
    def init(self, theta: Theta) -> Any:
        """State before the first step."""

    @abstractmethod
    def step(
        self, theta: Theta, gradient: Theta, losses: Losses, ask: Ask, state: Any
    ) -> tuple[Theta, Any]:
        """New parameters and state."""


@dataclass(frozen=True)
class Adam(Optimizer):
    """Kingma & Ba 2015, with a rate that may fall linearly to zero."""

    rate: float
    fade: int = 0
    """Steps over which the rate falls to zero; 0 keeps it constant."""
    decay: tuple[float, float] = (0.9, 0.999)

    def init(self, theta: Theta) -> tuple[int, Theta, Theta]:
        """No steps yet, no momentum."""
        return 0, torch.zeros_like(theta), torch.zeros_like(theta)

    def step(
        self,
        theta: Theta,
        gradient: Theta,
        losses: Losses,
        ask: Ask,
        state: tuple[int, Theta, Theta],
    ) -> tuple[Theta, tuple[int, Theta, Theta]]:
        """Move by the bias-corrected ratio of the two running means."""
        t, first, second = state
        rate = self.rate * (1 - t / self.fade) if self.fade else self.rate
        t, (a, b) = t + 1, self.decay
        first = a * first + (1 - a) * gradient
        second = b * second + (1 - b) * gradient**2
        move = first / (1 - a**t) / ((second / (1 - b**t)).sqrt() + 1e-8)
        return theta - rate * move, (t, first, second)


@dataclass(frozen=True)
class Nesterov(Optimizer):
    """Accelerated gradient descent with a fixed rate (Nesterov 1983).

    velocity' = momentum velocity - rate gradient;
    theta' = theta + momentum velocity' - rate gradient
    """

    rate: float
    momentum: float = 0.9

    def init(self, theta: Theta) -> Theta:
        """At rest."""
        return torch.zeros_like(theta)

    def step(
        self, theta: Theta, gradient: Theta, losses: Losses, ask: Ask, state: Theta
    ) -> tuple[Theta, Theta]:
        """Look ahead along the velocity."""
        velocity = self.momentum * state - self.rate * gradient
        return theta + self.momentum * velocity - self.rate * gradient, velocity


@dataclass(frozen=True)
class Momentum(Optimizer):
    """Descent of a heavy ball (Polyak 1964): velocity' = momentum velocity + gradient."""

    rate: float
    momentum: float = 0.9

    def init(self, theta: Theta) -> Theta:
        """At rest."""
        return torch.zeros_like(theta)

    def step(
        self, theta: Theta, gradient: Theta, losses: Losses, ask: Ask, state: Theta
    ) -> tuple[Theta, Theta]:
        """Roll on."""
        velocity = self.momentum * state + gradient
        return theta - self.rate * velocity, velocity


@dataclass(frozen=True)
class LineSearch(Optimizer):
    """Backtracking from a long first step (Armijo 1966), with a step size for each image.

    A size is taken when loss(theta - size gradient) <= loss - slope size |gradient|^2.
    """

    first: float = 1000.0
    shrink: float = 0.2
    slope: float = 1e-4
    least: float = 1e-5
    """A search that gets below this size stops and takes that tiny step."""
    grow: float = 0.0
    """Start a search from the last step's size times this; 0 starts from `first` every time."""
    width: int = 1
    """Sizes that are asked about at once: fewer rounds, which a GPU likes, and more passes. The
    same size is taken."""

    def init(self, theta: Theta) -> Tensor:
        """The size to try first, for each image."""
        return theta.new_full((len(theta),), self.first)

    def step(
        self, theta: Theta, gradient: Theta, losses: Losses, ask: Ask, state: Tensor
    ) -> tuple[Theta, Tensor]:
        """Shrink each image's step until its loss has dropped enough."""

        def moved(size: Tensor, at: Tensor) -> Theta:
            return theta[at] - size.view(-1, *[1] * (theta.ndim - 1)) * gradient[at]

        slope = self.slope * gradient.pow(2).flatten(1).sum(1)
        size, searching = state.clone(), torch.arange(len(theta), device=theta.device)
        shrink = self.shrink ** torch.arange(self.width, device=theta.device)
        while len(searching):
            sizes = size[searching, None] * shrink  # (images, width)
            at = searching.repeat_interleave(self.width)
            found = ask(moved(sizes.flatten(), at), at).view_as(sizes)
            enough = found <= losses[searching, None] - sizes * slope[searching, None]
            ends = enough | (sizes <= self.least)
            done, first = ends.any(1), ends.int().argmax(1)
            size[searching] = torch.where(
                done, sizes.gather(1, first[:, None])[:, 0], sizes[:, -1] * self.shrink
            )
            searching = searching[~done]
        start = torch.full_like(size, self.first)
        everyone = torch.arange(len(theta), device=theta.device)
        after = (size * self.grow).clamp(max=self.first) if self.grow else start
        return moved(size, everyone), after
