"""Photos with marks that determine the class."""

from collections import Counter
from random import Random

import numpy as np
import pytest
import torch

from tests.datasets.conftest import save
from unsee import InputError
from unsee.datasets import _marks
from unsee.datasets._halves import HALVES, digest, photos_of
from unsee.datasets._loading import load_data
from unsee.datasets._marks import CLASSES, Mark
from unsee.datasets.base import Sample, Samples, named
from unsee.images.drawing import LUMA
from unsee.registry import create

MARKS: tuple[Mark, ...] = ("letter", "patch", "border", "texture", "either", "both")
SIDE = 64


@pytest.fixture
def photos(tmp_path):
    """A folder of twelve photos of noise in two classes."""
    random = np.random.default_rng(0)
    for number in range(12):
        pixels = random.integers(0, 255, (50, 70, 3), np.uint8)
        save(pixels, tmp_path / "photos" / "ab"[number % 2] / f"{number}.png")
    return tmp_path / "photos"


def samples_of(photos, **settings):
    texts = [f"{key}={value}" for key, value in {"side": SIDE, **settings}.items()]
    return load_data(",".join([f"planted:{photos}", *texts]))


@pytest.mark.parametrize("mark", MARKS)
def test_the_mask_is_what_the_mark_changes(photos, mark) -> None:
    for sample in samples_of(photos, mark=mark, count=8):
        layout, mask = sample.read.layout, sample.object_mask()
        photo = sample.read.photo.photo(3)[:, :SIDE, :SIDE]
        without = torch.rand(3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
        marked = _marks.draw(_marks.draw(without, layout.decoys), layout.marks)
        changed = (marked != _marks.draw(without, layout.decoys)).any(0)
        assert torch.equal(changed & ~mask, torch.zeros_like(mask))
        assert changed.sum() > 0.95 * mask.sum() > 0
        assert photo.shape[0] == sample.photo(3).shape[0] == 3
        assert sample.photo(3).shape[1:] == mask.shape == (SIDE, SIDE)


@pytest.mark.parametrize("mark", MARKS)
def test_the_boxes_enclose_the_mark(photos, mark) -> None:
    for sample in samples_of(photos, mark=mark, count=4):
        boxes, mask = sample.boxes_in(sample.photo(3)), sample.object_mask()
        assert len(boxes) == (2 if mark in {"either", "both"} else 1)
        inside = torch.zeros_like(mask)
        for x1, y1, x2, y2 in boxes.int().tolist():
            inside[y1:y2, x1:x2] = True
            assert mask[y1:y2, x1:x2].any()
        assert not (mask & ~inside).any()


@pytest.mark.parametrize("mark", MARKS)
def test_places_and_decoys_say_nothing_about_the_class(mark) -> None:
    layouts = [_marks.arrange(mark, Random(n), 160) for n in range(800)]
    classes = Counter(layout.label for layout in layouts)
    assert all(abs(classes[label] - 200) < 40 for label in range(CLASSES))
    decoys = Counter((item.sign, lay.label) for lay in layouts for item in lay.decoys)
    rows = Counter((lay.marks[0].top < 80, lay.label) for lay in layouts)
    for counts in (decoys, rows):
        for sign in {sign for sign, _ in counts}:
            numbers = [counts[sign, label] for label in range(CLASSES)]
            assert max(numbers) < 1.8 * min(numbers), (sign, numbers)
    assert {sign for sign, _ in decoys}.isdisjoint(_marks.all_signs(mark))


@pytest.mark.parametrize("mark", MARKS)
def test_signs_lie_inside_and_apart(mark) -> None:
    for number in range(200):
        layout = _marks.arrange(mark, Random(number), 160)
        covered = torch.zeros(160, 160, dtype=torch.int)
        for item in (*layout.marks, *layout.decoys):
            assert min(item.top, item.left) >= 0
            assert max(item.top + item.height, item.left + item.width) <= 160
            covered[item.top : item.top + item.height, item.left : item.left + item.width] += 1
        assert mark == "border" or covered.max() == 1
        if mark in {"letter", "patch", "either", "both"}:
            assert all(32 <= item.height <= 44 for item in layout.marks)


def test_signs_of_a_class_differ_from_those_of_others() -> None:
    for mark in MARKS:
        assert len({_marks.signs_of(mark, label) for label in range(CLASSES)}) == CLASSES
        assert len(set(_marks.class_names(mark))) == CLASSES
    assert _marks.class_names("letter")[0] == "letter A"
    assert _marks.class_names("both")[1] == "letters A and X"


def test_both_letters_of_a_pair_are_needed() -> None:
    """Each letter of a combination is that of two classes."""
    for place in (0, 1):
        letters = Counter(_marks.signs_of("both", label)[place] for label in range(CLASSES))
        assert sorted(letters.values()) == [2, 2]


def test_the_same_seed_gives_the_same_pictures(photos) -> None:
    first, again = samples_of(photos, count=5), samples_of(photos, count=9)
    other = samples_of(photos, count=5, seed=1)
    for one, two in zip(first, again, strict=False):
        assert (one.id, one.target) == (two.id, two.target)
        assert torch.equal(one.photo(3), two.photo(3))
        assert torch.equal(one.object_mask(), two.object_mask())
    assert [s.read.layout for s in first] != [s.read.layout for s in other]


def test_photos_are_used_again_with_other_marks(photos) -> None:
    half, _ = photos_of(str(photos), "explained")
    samples = samples_of(photos, count=2 * len(half))
    assert Counter(s.read.photo.id for s in samples) == Counter({p.id: 2 for p in half})
    assert len({s.read.layout for s in samples}) == len(samples)


def test_the_halves_share_no_photo(photos, tmp_path) -> None:
    parts = [{photo.id for photo in photos_of(str(photos), half)[0]} for half in HALVES]
    assert len(parts[0] | parts[1]) == 12
    assert not parts[0] & parts[1]
    renamed = tmp_path / "elsewhere"
    photos.rename(renamed)
    (renamed / "a" / "0.png").unlink()
    again = [{photo.id for photo in photos_of(str(renamed), half)[0]} for half in HALVES]
    assert again == [part - {"a/0.png"} for part in parts]


def test_labels_of_photos_are_ignored(photos) -> None:
    samples = samples_of(photos, count=40)
    assert {sample.target for sample in samples} == set(range(CLASSES))
    assert samples.classes == named(_marks.class_names("letter"))


def test_another_data_set_may_be_named(photos) -> None:
    named = samples_of(f"image_folder:{photos}", count=3)
    assert [s.id for s in named] == [s.id for s in samples_of(photos, count=3)]
    with pytest.raises(InputError, match="expected photos, got the data set planted"):
        samples_of(f"planted:{photos}")
    with pytest.raises(InputError, match="no such data set"):
        samples_of(photos / "nowhere")


def test_a_photo_of_several_classes_is_used_once(photos, monkeypatch) -> None:
    twice = [s for s in load_data(str(photos)) for _ in range(2)]
    samples = [
        Sample(f"{n}", sample.read, n % 2, stored=sample.stored) for n, sample in enumerate(twice)
    ]
    monkeypatch.setattr("unsee.datasets._halves.load_data", lambda spec: Samples(samples))
    parts = [photos_of(str(photos), half)[0] for half in HALVES]
    assert sum(map(len, parts)) == 12


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"side": 20}, "expected side from 64 to 1024"),
        ({"count": 0}, "expected count from 1"),
        ({"mark": "digit"}, "unknown mark of planted 'digit'"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(photos, settings, words) -> None:
    with pytest.raises(InputError, match=words):
        samples_of(photos, **settings)


def test_a_single_photo_has_no_two_halves(photos) -> None:
    for path in list(photos.rglob("*.png"))[1:]:
        path.unlink()
    name = next(photos.rglob("*.png")).relative_to(photos).as_posix()
    with pytest.raises(InputError, match="1 photos, none of which is in the half for"):
        photos_of(str(photos), HALVES[digest(name) % 2])


def test_an_unreadable_photo_is_an_error_of_its_sample(photos) -> None:
    for path in photos.rglob("*.png"):
        path.write_bytes(b"no photo")
    (sample,) = samples_of(photos, count=1)
    with pytest.raises(InputError, match="not a photo in a format"):
        sample.photo(3)


def test_pictures_can_be_grey(photos) -> None:
    (sample,) = samples_of(photos, count=1)
    weights = torch.tensor(LUMA).view(3, 1, 1)
    grey = (sample.photo(3) * weights).sum(0)
    assert (sample.photo(1)[0] - grey).abs().max() < 0.01
    with pytest.raises(InputError, match="expected 1 or 3 channels"):
        sample.photo(4)


def test_pictures_are_those_of_a_stored_file(photos) -> None:
    """A picture that is written as PNG and read again is the same."""
    (sample,) = samples_of(photos, count=1)
    steps = sample.photo(3) * 255
    assert torch.equal(steps.round() / 255, sample.photo(3))
    assert steps.min() >= 0
    assert steps.max() <= 255


def test_no_folder_is_opened_as_planted_by_itself(photos) -> None:
    assert not create("datasets", "planted").recognises(photos)
    assert load_data(str(photos))[0].size is None
