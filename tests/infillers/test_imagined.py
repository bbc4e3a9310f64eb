"""The background of a whole image that a generative in-filler paints once."""

import pytest
import torch

from tests.conftest import Convolutional, masked_score, toy
from tests.generators import fill
from unsee import InputError, create
from unsee.infillers.base import RowIndex
from unsee.infillers.painter import PainterInfiller
from unsee.infillers.patchmatch import PatchMatch
from unsee.process.libraries import import_libraries
from unsee.registry import resolve

RANDOM = "painter:weights=random"


def imagined(by=RANDOM, **settings):
    return create("infillers", "imagined", by=by, **settings)


def background(infiller, pictures, count=1, step=0):
    """Return the backgrounds (b, k, c, h, w) of k masks of each image."""
    keep = torch.zeros(len(pictures), count, 1, *pictures.shape[-2:])
    return fill(infiller, pictures, keep, step=step).unflatten(0, (-1, count))


def test_is_the_background_that_its_generator_imagines_under_soft_masks(pictures) -> None:
    network = toy(Convolutional())
    of_generator = masked_score(network, pictures, resolve("infillers", RANDOM))
    score = masked_score(network, pictures, imagined())
    removed = score.pictures(torch.zeros(2, 1, 1, 40, 48))
    assert torch.equal(removed, of_generator.imagined_background)
    assert not score.bound.returns_visible_pixels
    soft = score.pictures(torch.full((2, 1, 1, 40, 48), 0.75))
    torch.testing.assert_close(soft, 0.75 * pictures + 0.25 * removed)


@pytest.mark.parametrize("by", [RANDOM, "patchmatch"])
def test_a_tile_depends_on_the_tiles_around_it_only(pictures, by) -> None:
    changed = pictures.clone()
    changed[..., 10:20, 20:30] = 1 - changed[..., 10:20, 20:30]
    before, after = (background(imagined(by, tiles=4), x)[:, 0] for x in (pictures, changed))
    assert torch.equal(before[..., 10:20, 20:30], after[..., 10:20, 20:30])
    assert not torch.equal(before[..., 20:30, 20:30], after[..., 20:30, 20:30])


def test_the_generator_is_called_only_when_images_are_bound(pictures, monkeypatch) -> None:
    calls = []

    def inpaint(self, picture, hole, seed):
        calls.append(hole.mean())
        return picture

    monkeypatch.setattr(PatchMatch, "inpaint", inpaint)
    score = masked_score(toy(Convolutional()), pictures, imagined("patchmatch", samples=3))
    for step in range(5):
        score(torch.full((2, 4, 1, 8, 8), 0.4), step=step)
    assert len(calls) == 3 * 4 * len(pictures)  # samples, rounds, images
    assert sum(calls) == pytest.approx(3 * len(pictures))  # every pixel once


def test_masks_get_the_samples_in_turn_and_others_at_each_step(pictures) -> None:
    score = masked_score(toy(Convolutional()), pictures, imagined(samples=3))
    numbers = torch.zeros(5, dtype=torch.long)

    def of_step(step):
        index = RowIndex(numbers, torch.arange(5), step)  # five masks of the first image
        return score.bound.fill(torch.zeros(5, 1, 40, 48), index)

    steps = [of_step(step) for step in range(8)]
    assert len(steps[0][:3].unique(dim=0)) == 3
    assert len(torch.stack([step[0] for step in steps]).unique(dim=0)) == 3
    assert torch.equal(steps[1], of_step(1))
    assert all(torch.equal(step[:2], step[3:]) for step in steps)
    one = masked_score(toy(Convolutional()), pictures, imagined())
    alone = one.bound.fill(torch.zeros(1, 1, 40, 48), RowIndex(numbers[:1], numbers[:1], 0))[0]
    assert any(torch.equal(alone, sample) for sample in steps[0])


def test_samples_of_the_generator_are_used_if_it_has_them(pictures, monkeypatch) -> None:
    numbers = []

    def paint(self, network, shown, keep, rows, batch):
        numbers.append(rows.variant.tolist())
        return shown

    monkeypatch.setattr(PainterInfiller, "paint", paint)
    background(imagined(samples=2), pictures)
    assert numbers == [[0, 0]] * 4 + [[1, 1]] * 4


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {"by": "blur"},
            r"expected a generative in-filler \(.*painter_small, patchmatch.*\), got 'blur'",
        ),
        ({"by": "telea:radius=3"}, "expected a generative in-filler .*got 'telea:radius=3'"),
        ({"by": "imagined"}, "expected a generative in-filler .*got 'imagined'"),
        ({"by": "paintr"}, "did you mean 'painter'"),
        ({"by": "painter:samples=0"}, "expected samples from 1"),
        ({"tiles": 1}, "expected tiles >= 2"),
        ({"samples": 0}, "samples from 1 to 64, got 7 and 0"),
        ({"by": "lama:x.pt,trust=true"}, "trust is not a setting of by.* set trust=True"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_in_one_line(settings, words) -> None:
    with pytest.raises(InputError, match=words) as error:
        imagined(**settings)
    assert "\n" not in str(error.value)


def test_trust_and_settings_reach_the_generator() -> None:
    text = 'imagined:by="lama:x.pt",tiles=5'
    assert not resolve("infillers", text).parts[0].trust
    infiller = resolve("infillers", text, trust=True)
    assert infiller.parts == (create("infillers", "lama", weights="x.pt", trust=True),)
    with pytest.raises(InputError, match="no such file"):
        infiller.prepare(torch.device("cpu"))


def test_libraries_of_the_generator_are_imported(monkeypatch) -> None:
    imported = []
    monkeypatch.setattr("unsee.process.libraries.import_module", imported.append)
    import_libraries(imagined("patchmatch"))
    assert imported == ["patchmatch"]
