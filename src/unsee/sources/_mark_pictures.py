"""Pictures on which a classifier of marks is trained and tested."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal, get_args

import torch
from jaxtyping import Bool, Int, UInt8
from torch import Tensor

from unsee.datasets import _marks
from unsee.datasets._halves import digest
from unsee.datasets._marks import Layout, Mark
from unsee.images.filters import gaussian_blur
from unsee.images.framing import Photo
from unsee.types import Images

Squares = UInt8[Tensor, "n 3 s s"]
"""Photos in memory."""
Edit = Literal["as drawn", "surroundings", "unmarked", "covered", "blurred"]
"""Change of a picture: none; other pixels replaced; no mark; the mark covered; all blurred."""
EDITS: tuple[Edit, ...] = get_args(Edit)

SHARES: tuple[tuple[Edit, float], ...] = (
    ("as drawn", 0.4),
    ("surroundings", 0.2),
    ("unmarked", 0.2),
    ("covered", 0.15),
    ("blurred", 0.05),
)
"""Share of the training pictures with each edit."""
BLUR = (0.04, 0.1)
"""Smallest and largest standard deviation of a blur, as a share of the side; no sign is legible."""
CROP = 0.4
"""Side of a crop around one sign, as a share of the side of a picture."""
CROP_SHARES = (0.65, 0.85)
"""Share of the crops with a mark, and of those with a mark or a decoy; others have no sign."""
MARGIN = 0.05
"""Largest margin of a cover around a mark, as a share of the side."""


@dataclass(frozen=True)
class Pictures:
    """Draws pictures with marks over photos."""

    squares: Squares
    mark: Mark
    seed: int

    @property
    def side(self) -> int:
        """Height and width of the pictures."""
        return self.squares.shape[-1]

    def crops(self, numbers: Sequence[int]) -> tuple[Images, Int[Tensor, " n"]]:
        """Return crops around single signs by number, and the places of the signs in their list.

        They are drawn as in whole pictures, but nothing else is.
        """
        pairs = [self._crop(Random(digest(f"{self.seed}/crop/{n}"))) for n in numbers]
        return torch.stack([p for p, _ in pairs]), torch.tensor([label for _, label in pairs])

    def whole(self, numbers: Sequence[int]) -> tuple[Images, Int[Tensor, " n"]]:
        """Return training pictures by number, and their classes; `_marks.CLASSES` is none."""
        pairs = [self._training(Random(digest(f"{self.seed}/training/{n}"))) for n in numbers]
        return torch.stack([p for p, _ in pairs]), torch.tensor([label for _, label in pairs])

    def tests(self, count: int, edit: Edit) -> tuple[Images, Int[Tensor, " n"]]:
        """Return pictures with one edit, and the classes of their marks, also where covered."""
        pictures, labels = [], []
        for number in range(count):
            random = Random(digest(f"{self.seed}/test/{number}"))
            photo = self.squares[number % len(self.squares)] / 255
            layout = _marks.arrange(self.mark, random, self.side)
            pictures.append(self._edited(photo, layout, edit, random, layout.marks))
            labels.append(layout.label)
        return torch.stack(pictures), torch.tensor(labels)

    def _crop(self, random: Random) -> tuple[Photo, int]:
        photo = self._photo(random)
        layout = _marks.arrange(self.mark, random, self.side)
        kind = random.random()
        items = layout.marks if kind < CROP_SHARES[0] else layout.decoys
        item = items[int(random.random() * len(items))]
        picture = _marks.draw(photo, [item] if kind < CROP_SHARES[1] else [])
        length, corner = round(CROP * self.side), []
        for start, extent in ((item.top, item.height), (item.left, item.width)):
            # the window holds the sign or, of a long one, a part
            ends = (
                min(max(end, 0), self.side - length) for end in (start, start + extent - length)
            )
            first, last = sorted(ends)
            corner.append(first + int(random.random() * (last - first + 1)))
        signs = _marks.all_signs(self.mark)
        label = signs.index(item.sign) if kind < CROP_SHARES[0] else len(signs)
        top, left = corner
        return picture[:, top : top + length, left : left + length], label

    def _training(self, random: Random) -> tuple[Photo, int]:
        photo = self._photo(random)
        layout = _marks.arrange(self.mark, random, self.side)
        edit = _weighted(random)
        covered = layout.marks
        if edit == "covered" and len(covered) > 1 and random.random() < 0.5:
            covered = (covered[int(random.random() * len(covered))],)
        picture = self._edited(photo, layout, edit, random, covered)
        suffices = self.mark == "either" and len(covered) == 1
        has_mark = edit in {"as drawn", "surroundings"} or (edit == "covered" and suffices)
        return picture, layout.label if has_mark else _marks.CLASSES

    def _photo(self, random: Random) -> Photo:
        """Return a random photo, perhaps mirrored, with another brightness and contrast."""
        square = self.squares[int(random.random() * len(self.squares))]
        photo = square.flip(2) if random.random() < 0.5 else square
        low, high = 0.3 * random.random(), 1 - 0.3 * random.random()
        return low + photo / 255 * (high - low)

    def _edited(
        self, photo: Photo, layout: Layout, edit: Edit, random: Random,
        covered: Sequence[_marks.Item],
    ) -> Photo:  # fmt: skip
        marks = () if edit == "unmarked" else layout.marks
        picture = _marks.draw(photo, (*layout.decoys, *marks))
        if edit in {"as drawn", "unmarked"}:
            return picture
        if edit == "blurred":
            return self._blur(picture, random)
        if edit == "covered":
            return torch.where(
                self._cover(covered, random), self._filling(picture, random), picture
            )
        place = self._somewhere(random) & ~_marks.mask_of(marks, self.side)
        return torch.where(place, self._filling(picture, random), picture)

    def _cover(self, items: Sequence[_marks.Item], random: Random) -> Bool[Tensor, "s s"]:
        """Return the boxes of signs with a margin; the outline of a sign would tell its name."""
        mask = torch.zeros(self.side, self.side, dtype=torch.bool)
        for item in items:
            margin = int(random.random() * MARGIN * self.side)
            top, left = max(0, item.top - margin), max(0, item.left - margin)
            bottom, right = item.top + item.height + margin, item.left + item.width + margin
            mask[top:bottom, left:right] = True
        return mask

    def _somewhere(self, random: Random) -> Bool[Tensor, "s s"]:
        """Return a random rectangle or, half of the time, the whole picture."""
        mask = torch.ones(self.side, self.side, dtype=torch.bool)
        if random.random() < 0.5:
            return mask
        for axis in (0, 1):
            first, last = sorted(int(random.random() * (self.side + 1)) for _ in range(2))
            mask.narrow(axis, 0, first).fill_(False)
            mask.narrow(axis, last, self.side - last).fill_(False)
        return mask

    def _filling(self, picture: Photo, random: Random) -> Photo:
        """Return what replaces pixels: a blur, a colour, noise or another photo."""
        kind = int(random.random() * 4)
        if kind == 0:
            return self._blur(picture, random)
        if kind == 1:
            grey = random.random() < 0.5
            colour = [0.5] * 3 if grey else [random.random() for _ in range(3)]
            return torch.tensor(colour).view(3, 1, 1).expand_as(picture)
        if kind == 2:
            generator = torch.Generator().manual_seed(int(random.random() * 2**31))
            return torch.rand(picture.shape, generator=generator)
        return self._photo(random)

    def _blur(self, picture: Photo, random: Random) -> Photo:
        low, high = BLUR
        sigma = self.side * (low + (high - low) * random.random())
        return gaussian_blur(picture[None], sigma)[0]


def _weighted(random: Random) -> Edit:
    """Return an edit with the probability of its share."""
    rest = random.random()
    for edit, share in SHARES:
        rest -= share
        if rest < 0:
            return edit
    return SHARES[0][0]
