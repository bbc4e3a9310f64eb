"""Photos of noise with a red or a blue square, and a classifier that reads red squares."""

from dataclasses import dataclass

import pytest
import torch
from torch import nn

from tests.conftest import toy
from unsee import create
from unsee.audits.causes import CausalTest
from unsee.audits.findings import ExplainedPhoto

SIDE, SQUARE = 48, 8
COLOURS = {"red": (1.0, 0.0, 0.0), "blue": (0.0, 0.0, 1.0)}


class Red(nn.Module):
    """Class 1 has a red square somewhere, class 0 has none."""

    def forward(self, x):
        red = (x[:, :1] - x[:, 1:].mean(1, keepdim=True)).clamp(min=0)
        squares = nn.functional.avg_pool2d(red, SQUARE, 2).flatten(1).amax(1)
        return torch.stack([torch.full_like(squares, 2.0), 8 * squares], 1)


@dataclass
class Scene:
    """A photo with at most one square."""

    image: torch.Tensor
    place: torch.Tensor
    """Pixels of the square."""
    colour: str | None


def scene(number: int, colour: str | None) -> Scene:
    """Return a photo of dim noise with a square at a random place."""
    g = torch.Generator().manual_seed(number)
    image = 0.3 + 0.2 * torch.rand(1, 3, SIDE, SIDE, generator=g)
    place = torch.zeros(SIDE, SIDE, dtype=torch.bool)
    top, left = torch.randint(0, SIDE - SQUARE, (2,), generator=g).tolist()
    if colour:
        place[top : top + SQUARE, left : left + SQUARE] = True
        value = torch.tensor(COLOURS[colour])[:, None]
        image[0][:, place] = value
    return Scene(image, place, colour)


def reader():
    """The classifier, as the command line loads it."""
    return toy(Red(), size=SIDE)


def regression():
    """A network of numbers that are no probabilities."""
    return toy(Red(), size=SIDE, outputs="regression")


@pytest.fixture
def scenes() -> dict[str, Scene]:
    """Twelve photos with a red square, twelve with a blue one and twelve without."""
    colours = ["red"] * 12 + ["blue"] * 12 + [None] * 12
    return {f"photo{n}": scene(n, colour) for n, colour in enumerate(colours)}


def causal_test(scenes: dict[str, Scene]) -> CausalTest:
    """The classifier, the mean of the visible pixels as in-filler, and the photos."""
    infiller = create("infillers", "mean")
    return CausalTest(reader(), infiller, lambda photo: scenes[photo].image)


def explained(scenes: dict[str, Scene], inside=None) -> list[ExplainedPhoto]:
    """Photos with maps that show their square."""
    return [
        ExplainedPhoto(
            name, int(one.colour == "red"), one.place.float() + 0.01 * one.image[0, 0],
            is_right=True, inside=inside(one) if inside else None,
        )
        for name, one in scenes.items()
    ]  # fmt: skip
