"""The classifier that is trained to read planted marks."""

import itertools
from dataclasses import replace
from random import Random

import numpy as np
import pytest
import torch
from PIL import Image

from unsee import InputError, load
from unsee.classifiers.measures import probability
from unsee.datasets import _marks
from unsee.datasets._classes import class_numbers
from unsee.datasets._loading import load_data
from unsee.images.filters import gaussian_blur
from unsee.methods import _layer
from unsee.networks.mark_reader import MarkReader
from unsee.sources import _mark_cache, _mark_training, planted
from unsee.sources._mark_pictures import EDITS, Pictures
from unsee.sources._mark_training import Answers

SIDE = 64
PERFECT = Answers(accuracy=1.0, none=1.0, unmarked=0.0, surroundings=1.0, covered=0.0, blurred=0.0)


def smooth(count: int, seed: int = 0):
    """Photos of smooth noise in 8 bits."""
    noise = torch.rand(count, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))
    blurred = gaussian_blur(noise, 4.0)
    return (((blurred - 0.5) * 6 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for number, square in enumerate(smooth(24)):
        Image.fromarray(square.permute(1, 2, 0).numpy()).save(folder / f"{number}.png")
    return folder


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache folder, and no networks in memory."""
    monkeypatch.setenv("UNSEE_CACHE", str(tmp_path / "cache"))
    planted._weights.cache_clear()
    yield tmp_path / "cache" / "planted"
    planted._weights.cache_clear()


@pytest.fixture
def trainings(monkeypatch):
    """Seeds of the networks that were trained."""
    seeds, train = [], _mark_training.train

    def counted(pictures, steps):
        seeds.append(pictures.seed)
        return train(pictures, steps)

    monkeypatch.setattr(_mark_training, "train", counted)
    monkeypatch.setattr(_mark_training, "TESTS", 4)
    monkeypatch.setattr(_mark_training, "CROPS", 8)
    monkeypatch.setattr(_mark_training, "PICTURES", 8)
    return seeds


def spec(photos, **settings) -> str:
    texts = {"mark": "patch", "side": SIDE, "steps": 1, "least_accuracy": 0, **settings}
    return ",".join([f"planted:{photos}", *(f"{key}={value}" for key, value in texts.items())])


def weights_of(classifier):
    return {name: value.clone() for name, value in classifier.network.state_dict().items()}


def same(one, two) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def test_a_network_learns_the_marks_of_other_photos(monkeypatch) -> None:
    """Chance is a fifth."""
    monkeypatch.setattr(_mark_training, "TESTS", 32)
    network = _mark_training.train(Pictures(smooth(24), "patch", 0), 40)
    tested = _mark_training.test(network, Pictures(smooth(24, 1), "patch", 0))
    assert tested.accuracy > 0.5, tested
    assert tested.none > 0.8, tested
    assert tested.blurred < 0.1, tested


def test_the_number_of_threads_does_not_change_the_weights(trainings) -> None:
    pictures, states = Pictures(smooth(6), "letter", 3), []
    before = torch.get_num_threads()
    for threads in (1, 2):
        torch.set_num_threads(threads)
        try:
            states.append(_mark_training.train(pictures, 1).state_dict())
            assert torch.get_num_threads() == threads
        finally:
            torch.set_num_threads(before)
    assert same(*states)
    other = _mark_training.train(Pictures(smooth(6), "letter", 4), 1)
    assert not same(states[0], other.state_dict())


def test_training_leaves_the_random_state_as_it_was(trainings) -> None:
    before = torch.get_rng_state()
    _mark_training.train(Pictures(smooth(4), "letter", 3), 1)
    assert torch.equal(torch.get_rng_state(), before)


def test_it_is_trained_once(photos, cache, trainings, caplog) -> None:
    first = load(spec(photos))
    assert trainings == [0]
    assert "training the classifier planted:" in caplog.text
    assert "mean probability of the class" in caplog.text
    caplog.clear()
    weights = weights_of(first)
    first.network.head.weight.data.zero_()  # another user of the process is not affected
    assert same(weights, weights_of(load(spec(photos))))
    planted._weights.cache_clear()  # as in another process
    assert same(weights, weights_of(load(first.name)))
    assert trainings == [0]
    assert not caplog.text
    load(spec(photos, seed=1))
    assert trainings == [0, 1]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[: len(content) // 2],
        lambda content: content[:-3] + b"abc",
        lambda content: b"\x80\x04\x95" + content,
    ],
)
def test_a_damaged_file_is_trained_again(photos, cache, trainings, damage) -> None:
    weights = weights_of(load(spec(photos)))
    (file,) = cache.glob("*.safetensors")
    file.write_bytes(damage(file.read_bytes()))
    planted._weights.cache_clear()
    assert same(weights, weights_of(load(spec(photos))))
    assert trainings == [0, 0]
    planted._weights.cache_clear()
    load(spec(photos))
    assert trainings == [0, 0]


def test_a_cache_that_cannot_be_written_is_no_error(photos, cache, trainings) -> None:
    cache.parent.write_text("a file in place of the folder")
    load(spec(photos))
    planted._weights.cache_clear()
    load(spec(photos))
    assert trainings == [0, 0]


def test_the_path_of_the_weights_names_all_that_they_depend_on(monkeypatch) -> None:
    photos, others = smooth(2), smooth(2, 1)
    settings = planted.Planted(), planted.Planted(mark="both"), planted.Planted(seed=1)
    paths = [_mark_cache.path_of(*case) for case in itertools.product(settings, (photos, others))]
    before = _mark_cache.path_of(settings[0], photos)
    assert before == paths[0]
    monkeypatch.setattr(_mark_cache.inspect, "getsource", lambda module: module.__name__)
    paths.append(_mark_cache.path_of(settings[0], photos))
    assert len(set(paths)) == len(paths)


def test_a_network_that_reads_badly_is_refused(photos, cache, trainings) -> None:
    for _ in range(2):
        with pytest.raises(InputError, match="reads the marks too badly, right for"):
            load(spec(photos, least_accuracy=0.98))
    assert trainings == [0]  # the second time, its tests are in the cache


@pytest.mark.parametrize("edit", ["unmarked", "covered", "blurred"])
def test_a_network_that_reads_something_else_is_refused(
    photos, cache, trainings, monkeypatch, edit
) -> None:
    answers = replace(PERFECT, **{edit: 0.06})
    monkeypatch.setattr(_mark_training, "test", lambda network, pictures: answers)
    with pytest.raises(InputError, match="a mean probability without the mark of at most"):
        load(spec(photos, least_accuracy=0.98))
    load(spec(photos, least_accuracy=0))
    assert trainings == [0]


def test_explained_photos_are_not_trained_on(photos, cache, monkeypatch) -> None:
    seen = []

    def train(pictures, steps):
        seen.append(pictures.squares)
        return MarkReader(5).eval()

    monkeypatch.setattr(_mark_training, "train", train)
    monkeypatch.setattr(_mark_training, "test", lambda network, pictures: PERFECT)
    load(spec(photos, least_accuracy=1))
    explained = load_data(f"planted:{photos},side={SIDE},count=200")
    trained_on = {square.numpy().tobytes() for square in seen[0]}
    pixels = {(s.read.photo.photo(3) * 255).round().byte().numpy().tobytes() for s in explained}
    assert len(trained_on) + len(pixels) == 24
    assert not trained_on & pixels


def test_unreadable_photos_are_left_out(photos, cache, trainings, tmp_path, caplog) -> None:
    for path in photos.iterdir():
        (tmp_path / "copies" / path.name).parent.mkdir(exist_ok=True)
        (tmp_path / "copies" / path.name).write_bytes(path.read_bytes())
    for path in sorted((tmp_path / "copies").iterdir())[:3]:
        path.write_bytes(b"no photo")
    load(spec(tmp_path / "copies"))
    assert "cannot be read" in caplog.text
    for path in (tmp_path / "copies").iterdir():
        path.write_bytes(b"no photo")
    planted._weights.cache_clear()
    with pytest.raises(InputError, match="not a photo in a format"):
        load(spec(tmp_path / "copies"))


def test_the_classifier_fits_the_data_set(photos, cache, trainings) -> None:
    classifier = load(spec(photos))
    samples = load_data(f"planted:{photos},mark=patch,side={SIDE}")
    assert classifier.labels == (*(name for (name,) in samples.classes.values()), "none")
    assert class_numbers(samples, classifier.labels, 5, "planted") == {i: i for i in range(4)}
    shown = classifier.framing.show(samples[0].photo(3))
    assert torch.equal(shown[0], samples[0].photo(3))
    assert classifier.probabilities(shown).shape == (1, 5)
    assert classifier.name == f"planted:{photos},mark=patch,side=64,steps=1,least_accuracy=0.0"


def test_class_activation_maps_and_gradients_exist() -> None:
    images = torch.rand(2, 3, 160, 160, generator=torch.Generator().manual_seed(0))
    network = MarkReader(5).eval()
    layer = _layer.find(network, images)
    assert layer.name == "features"
    assert layer.is_ordered
    assert network.features(images).shape[-2:] == (10, 10)
    images.requires_grad_()
    score = probability(network(images), torch.zeros(2, dtype=torch.long)).sum()
    (gradient,) = torch.autograd.grad(score, images)
    assert gradient.flatten(1).abs().sum(1).min() > 0


@pytest.mark.parametrize("mark", ["letter", "both"])
def test_training_pictures_without_a_mark_are_none(mark, monkeypatch) -> None:
    pictures, labels = Pictures(smooth(4), mark, 0), {}
    for edit in EDITS:
        monkeypatch.setattr("unsee.sources._mark_pictures._weighted", lambda random, e=edit: e)
        labels[edit] = set(pictures.whole(range(24))[1].tolist())
    assert labels["as drawn"] == labels["surroundings"] == {0, 1, 2, 3}
    assert labels["unmarked"] == labels["covered"] == labels["blurred"] == {4}


def test_one_of_two_marks_suffices_in_training(monkeypatch) -> None:
    monkeypatch.setattr("unsee.sources._mark_pictures._weighted", lambda random: "covered")
    labels = Pictures(smooth(4), "either", 0).whole(range(40))[1]
    assert 8 < (labels == 4).sum() < 32
    assert len(labels.unique()) == 5


def test_other_surroundings_leave_the_mark() -> None:
    pictures, layouts = Pictures(smooth(4), "letter", 0), []
    for number in range(8):
        random = Random(number)
        layout = _marks.arrange("letter", random, SIDE)
        photo = pictures.squares[0] / 255
        edited = pictures._edited(photo, layout, "surroundings", random, layout.marks)
        mask = _marks.mask_of(layout.marks, SIDE)
        drawn = _marks.draw(photo, (*layout.decoys, *layout.marks))
        assert torch.equal(edited[:, mask], drawn[:, mask])
        layouts.append((edited != drawn).any().item())
    assert any(layouts)


def test_crops_show_the_sign_of_their_label() -> None:
    images, labels = Pictures(smooth(4), "letter", 0).crops(range(60))
    assert images.shape == (60, 3, 26, 26)
    assert set(labels.tolist()) == {0, 1, 2, 3, 4}
    assert np.isfinite(images.numpy()).all()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"steps": 0}, "expected steps from 1"),
        ({"least_accuracy": 1.5}, "expected least_accuracy from 0 to 1"),
        ({"side": 4}, "expected side from 64"),
        ({"mark": "digit"}, "unknown mark of planted"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(photos, settings, words) -> None:
    with pytest.raises(InputError, match=words):
        load(spec(photos, **settings))


def test_a_path_is_required(tmp_path) -> None:
    with pytest.raises(InputError, match="expected planted:DATA"):
        load("planted")
    with pytest.raises(InputError, match="no such data set"):
        load(f"planted:{tmp_path / 'nowhere'}")


def test_the_lock_of_a_training_empties_no_file(tmp_path) -> None:
    other, lock = tmp_path / "other", tmp_path / "weights.lock"
    other.write_text("kept")
    lock.symlink_to(other)
    with _mark_cache.one_at_a_time(tmp_path / "weights.safetensors"):
        assert other.read_text() == "kept"
    lock.unlink()
    with _mark_cache.one_at_a_time(tmp_path / "weights.safetensors"):
        assert lock.read_bytes() == b""
