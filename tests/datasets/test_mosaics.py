"""Mosaics of photos that a classifier of colours recognises."""

import json
from collections import Counter

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from tests.conftest import Shifted, toy
from tests.datasets.conftest import voc_xml
from tests.evaluation.runs import make_plan, run_plan
from unsee import InputError
from unsee.classifiers import loading
from unsee.datasets._loading import load_data, loads_classifier
from unsee.datasets.base import Sample
from unsee.datasets.mosaics import Mosaics, compose, has_enough
from unsee.evaluation.plan import Plan
from unsee.reports import gallery

PALETTE = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255), (255, 0, 255))
NAMES = ("red", "green", "blue", "yellow", "cyan", "magenta")
SPEC = "tests.datasets.test_mosaics:colours"
SIDE = 12
WORDNET = {
    "n01443537": (1, "red"), "n01484850": (2, "green"),
    "n01440764": (0, "blue"), "n01491361": (3, "yellow"),
}  # fmt: skip
"""Folders of ImageNet with the number of their class, and the colour of their photos here."""


class Colours(nn.Module):
    """Answers the colour of the palette that is closest to the mean of the picture."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.register_buffer("palette", torch.tensor(PALETTE[:classes]) / 255)

    def forward(self, x):
        return -20 * (x.mean((2, 3))[:, None] - self.palette).square().sum(2)


def colours():
    return toy(Shifted(Colours(6)), size=SIDE)


def network():
    return Colours(6)


def named():
    return toy(Shifted(Colours(6)), size=SIDE, labels=NAMES)


class Thousand(Colours):
    """ImageNet's classes, of which some are colours."""

    def forward(self, x):
        logits = x.new_full((len(x), 1000), -100.0)
        logits[:, [numbers[0] for numbers in WORDNET.values()]] = super().forward(x)
        return logits


def reverse():
    """The same classes in the opposite order."""
    model = Colours(6)
    model.palette = model.palette.flip(0)
    return toy(Shifted(model), size=SIDE, labels=NAMES[::-1])


def thousand():
    return toy(Shifted(Thousand(4)), size=SIDE)


def save(path, colour, number=0):
    """Save a photo of a colour with a pattern of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(number).integers(0, 40, (20, 26, 3))
    pixels = np.clip(np.array(colour) + noise - 20, 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(path)


def annotated(folder, counts, **fields):
    """Photos with annotations, as many of each class as `counts` says."""
    entries = []
    for target, count in enumerate(counts):
        for number in range(count):
            name = f"{target}-{number}.png"
            save(folder / name, PALETTE[target], len(entries))
            entries.append({"file": name, "index": target, **fields})
    (folder / "annotations.json").write_text(json.dumps(entries))
    return folder


def mosaics(data, **settings):
    text = "".join(f",{key}={value}" for key, value in {"classifier": SPEC, **settings}.items())
    return load_data(f"mosaics:{data}{text}", trust=True)


def names_in(sample):
    return sample.id.partition(": ")[2].rpartition(", tile ")[0].split(" + ")


@pytest.fixture
def photos(tmp_path):
    """Five classes, 20 photos."""
    return annotated(tmp_path / "photos", (5, 4, 5, 3, 3))


def test_pictures_are_four_framed_photos_of_four_classes(photos) -> None:
    samples = mosaics(photos, count=5)
    framing, originals = colours().framing, {s.id: s for s in load_data(str(photos))}
    assert len(samples) == 5
    for sample in samples:
        names, picture = names_in(sample), sample.photo(3)
        assert picture.shape == (3, 2 * SIDE, 2 * SIDE)
        assert len({originals[name].target for name in names}) == 4
        for tile, name in enumerate(names):
            top, left = SIDE * (tile // 2), SIDE * (tile % 2)
            part = picture[:, top : top + SIDE, left : left + SIDE]
            assert torch.equal(part, framing.show(originals[name].photo(3))[0])
        tile = int(sample.id[-1]) - 1
        left, top = SIDE * (tile % 2), SIDE * (tile // 2)
        assert sample.boxes.tolist() == [[left, top, left + SIDE, top + SIDE]]
        assert sample.target == originals[names[tile]].target
    uses = Counter(name for sample in samples for name in names_in(sample))
    assert set(uses.values()) == {1}
    assert len(uses) == 20


def test_choice_is_seeded_and_pictures_do_not_depend_on_the_order_of_reading(photos) -> None:
    first, again = mosaics(photos, count=4), mosaics(photos, count=4)
    assert [sample.id for sample in first] == [sample.id for sample in again]
    forwards = [sample.photo(3) for sample in first]
    backwards = [sample.photo(3) for sample in reversed(again)]
    assert all(map(torch.equal, forwards, reversed(backwards)))
    assert [s.id for s in mosaics(photos, count=4, seed=1)] != [s.id for s in first]
    asked = {sample.id[-1] for sample in mosaics(photos, count=30)}
    assert asked == {"1", "2", "3", "4"}


def test_choice_does_not_depend_on_the_order_of_the_data_set(photos) -> None:
    before = [sample.id for sample in mosaics(photos, count=4)]
    annotations = photos / "annotations.json"
    annotations.write_text(json.dumps(json.loads(annotations.read_text())[::-1]))
    assert [sample.id for sample in mosaics(photos, count=4)] == before


def test_pixels_are_read_on_demand(photos) -> None:
    sample = mosaics(photos, count=1)[0]
    (photos / names_in(sample)[2]).unlink()
    with pytest.raises(InputError, match="no such file"):
        sample.photo(3)


def test_photos_are_tried_until_there_are_enough(photos) -> None:
    (note,) = mosaics(photos, count=1).notes
    tried = int(note.split(" of ")[1].split()[0])
    assert 4 <= tried < 20


def test_photos_are_used_again_if_there_are_too_few(tmp_path) -> None:
    samples = mosaics(annotated(tmp_path, (2, 1, 1, 1)), count=4)
    assert samples.notes[-1].endswith(
        "4 pictures have 16 tiles but only 5 photos, each used up to 4 times"
    )
    uses = Counter(name for sample in samples for name in names_in(sample))
    assert uses == {"0-0.png": 2, "0-1.png": 2, "1-0.png": 4, "2-0.png": 4, "3-0.png": 4}
    assert len({sample.id for sample in samples}) == 4


def pool_of(counts):
    return {
        target: [Sample(f"{target}-{number}", torch.zeros, target) for number in range(count)]
        for target, count in enumerate(counts)
    }


@pytest.mark.parametrize("case", range(30))
def test_no_photo_is_used_twice_if_there_are_enough(case) -> None:
    g = np.random.default_rng(case)
    count, pool = int(g.integers(1, 9)), pool_of(g.integers(1, 9, g.integers(4, 12)).tolist())
    pictures = compose(pool, count, seed=case)
    assert all(len({photo.target for photo in picture}) == 4 for picture in pictures)
    uses = Counter(photo.id for picture in pictures for photo in picture)
    if has_enough(pool, count):
        assert max(uses.values()) == 1
    else:  # photos of a class take turns
        for photos in pool.values():
            numbers = [uses[photo.id] for photo in photos]
            assert max(numbers) - min(numbers) <= 1


def test_a_large_class_cannot_fill_a_picture() -> None:
    assert not has_enough(pool_of((100, 1, 1, 1)), 2)
    assert has_enough(pool_of((100, 2, 2, 2)), 2)


def test_classes_repeat_in_different_company(tmp_path) -> None:
    pictures = compose(pool_of((10,) * 6), 15, seed=0)
    assert len({frozenset(photo.target for photo in picture) for picture in pictures}) > 5


def test_photos_that_are_not_recognised_are_left_out(photos) -> None:
    save(photos / "0-0.png", PALETTE[1])  # another class
    save(photos / "1-0.png", (128, 128, 128))  # no confidence
    (photos / "2-0.png").write_bytes(b"broken")
    samples = mosaics(photos, count=5)
    used = {name for sample in samples for name in names_in(sample)}
    assert used.isdisjoint({"0-0.png", "1-0.png", "2-0.png"})
    assert "17 of 20 photos are recognised" in samples.notes[0]
    assert "left out photos that cannot be read, 1: 2-0.png" in samples.notes[1]
    assert len({name for s in mosaics(photos, count=5, least_probability=0) for name in names_in(s)}
               ) >= 17  # fmt: skip


def folders(path, names):
    for number, name in enumerate(names):
        for photo in range(2):
            save(path / name / f"{photo}.png", PALETTE[NAMES.index(name)], 10 * number + photo)
    return path


def test_class_folders_are_matched_by_name(tmp_path) -> None:
    data = folders(tmp_path, ("yellow", "red", "blue", "green"))
    samples = mosaics(data, count=2, classifier=SPEC.replace("colours", "named"))
    names = ("blue", "green", "red", "yellow")
    assert samples.classes == dict(enumerate(zip(names)))  # a run numbers them again
    for sample in samples:
        name = names_in(sample)[int(sample.id[-1]) - 1].split("/")[0]
        assert samples.classes[sample.target] == (name,)


def test_a_run_matches_the_names_with_its_own_classifiers(tmp_path) -> None:
    data = folders(tmp_path / "data", ("yellow", "red", "blue", "green"))
    named_spec, reverse_spec = (SPEC.replace("colours", name) for name in ("named", "reverse"))
    plan = make_plan(
        f"mosaics:{data},count=3,classifier={named_spec}", methods=("random",), metrics=("gini",),
        classifiers=(named_spec, reverse_spec), trust=True,
    )  # fmt: skip
    rows = run_plan(plan, tmp_path / "run")
    numbers = {
        spec: [row["target"] for row in rows if row["classifier"] == spec]
        for spec in plan.classifiers
    }
    assert numbers[reverse_spec] == [5 - number for number in numbers[named_spec]]
    assert len(set(numbers[named_spec])) > 1


def test_folders_of_imagenet_stay_imagenets(tmp_path) -> None:
    for id, (_, colour) in WORDNET.items():
        save(tmp_path / id / "0.png", PALETTE[NAMES.index(colour)])
    samples = mosaics(tmp_path, count=2, classifier=SPEC.replace("colours", "thousand"))
    assert samples.of_imagenet
    assert len(samples.classes) == 1000
    for sample in samples:
        id = names_in(sample)[int(sample.id[-1]) - 1].split("/")[0]
        assert sample.target == WORDNET[id][0]
    with pytest.raises(InputError, match="has ImageNet's 1000 classes, and the classifier 6"):
        mosaics(tmp_path, count=2)


def test_objects_of_voc_are_matched_by_name_or_refused(tmp_path, monkeypatch) -> None:
    names = ("person", "cat", "train", "dog", "car", "sofa")  # in another order than VOC's
    for number, name in enumerate(names[:4]):
        save(tmp_path / "JPEGImages" / f"{number}.jpg", PALETTE[number])
        (tmp_path / "Annotations").mkdir(exist_ok=True)
        (tmp_path / "Annotations" / f"{number}.xml").write_text(voc_xml(name))
    (tmp_path / "ImageSets" / "Main").mkdir(parents=True)
    (tmp_path / "ImageSets" / "Main" / "val.txt").write_text("0\n1\n2\n3\n")
    classifier = SPEC.replace("colours", "named")
    with pytest.raises(InputError, match="the class 'cat' is not the name of one class"):
        mosaics(tmp_path, count=2, classifier=classifier)
    monkeypatch.setattr(f"{__name__}.NAMES", names)
    samples = mosaics(tmp_path, count=2, classifier=classifier)
    for sample in samples:
        photo, _, name = names_in(sample)[int(sample.id[-1]) - 1].partition("-")
        assert names[int(photo)] == name
        assert samples.classes[sample.target] == (name,)


def test_an_order_that_cannot_be_compared_is_noted_once(tmp_path, caplog) -> None:
    data = folders(tmp_path / "data", NAMES)
    six = f"mosaics:image_folder:{data},count=2,classifier={SPEC}"
    for number, name in enumerate(sorted(NAMES)):  # the order of the folders is the classifier's
        for photo in (data / name).iterdir():
            save(photo, PALETTE[number], 10 * number + int(photo.stem))
    samples = load_data(six, trust=True)
    note = f"{SPEC} has no names of classes, so the order of the data set's is taken for its own: "
    assert sum(note in text for text in samples.notes) == 1
    settings = {"classifiers": (SPEC,), "methods": ("random",), "metrics": ("gini",)}
    run_plan(make_plan(six, trust=True, **settings), tmp_path / "run")
    assert note not in caplog.text
    (data / "cyan" / "0.png").unlink()
    (data / "cyan" / "1.png").unlink()
    (data / "cyan").rmdir()
    with pytest.raises(InputError, match="has 5 classes, and the classifier 6"):
        load_data(six, trust=True)


def test_settings_of_the_photos_are_passed_on(tmp_path) -> None:
    data = folders(tmp_path / "val", ("red", "green", "blue", "yellow")).parent
    spec = f"image_folder:{data}"
    settings = {"classifier": SPEC.replace("colours", "named"), "count": 1}
    assert len(mosaics(spec, split="val", **settings)) == 1
    with pytest.raises(InputError, match="no split 'train'"):
        mosaics(spec, split="train", **settings)
    with pytest.raises(InputError, match="unknown setting of image_folder 'cuont'"):
        mosaics(spec, cuont=3)
    with pytest.raises(InputError, match="unknown setting of mosaics 'cuont'"):
        mosaics(data, cuont=3)
    with pytest.raises(InputError, match="expected photos, got the data set mosaics"):
        mosaics(f"mosaics:{data}")
    with pytest.raises(InputError, match="no such data set"):
        mosaics(tmp_path / "nowhere")


def unlabelled(path):
    annotated(path, (2, 2, 2, 2))
    entries = [{"file": entry["file"]} for entry in json.loads(_annotations(path).read_text())]
    _annotations(path).write_text(json.dumps(entries))


def relabelled(path, shift):
    annotated(path, (2, 2, 2, 2))
    entries = json.loads(_annotations(path).read_text())
    for entry in entries:
        entry["index"] += shift
    _annotations(path).write_text(json.dumps(entries))


def grey(path):
    annotated(path, (1, 1, 1, 1))
    for photo in path.glob("*.png"):
        Image.new("RGB", (20, 20), (128, 128, 128)).save(photo)


def _annotations(path):
    return path / "annotations.json"


REFUSALS = {
    "four classes; the labelled photos are of 1": lambda path: annotated(path, (9,)),
    "four classes; the labelled photos are of 3": lambda path: annotated(path, (2, 2, 2)),
    "mosaics need labelled photos": unlabelled,
    r"0 of 4 photos are recognised .* of 0 classes": grey,
    r"0 of 8 photos are recognised .*Are the labels the classifier's classes": (
        lambda path: relabelled(path, 1)
    ),
    r"class 7 of .* is not in 0\.\.5, the classes of the classifier": (
        lambda path: relabelled(path, 7)
    ),
}


@pytest.mark.parametrize("message", REFUSALS)
def test_photos_that_do_not_suit_are_refused_in_a_line(message, tmp_path) -> None:
    (tmp_path / "data").mkdir()
    REFUSALS[message](tmp_path / "data")
    with pytest.raises(InputError, match=message) as caught:
        mosaics(tmp_path / "data", count=2)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_folders_of_other_classes_are_refused(tmp_path) -> None:
    data = folders(tmp_path, ("red", "green", "blue", "yellow"))
    (data / "red").rename(data / "rouge")
    with pytest.raises(InputError, match="'rouge' is not the name of one class"):
        mosaics(data, classifier=SPEC.replace("colours", "named"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"count": 0}, "count from 1"),
        ({"least_probability": 1.0}, "least_probability < 1"),
        ({"least_probability": -0.1}, "0 <= least_probability"),
    ],
)
def test_settings_outside_their_range_are_refused(settings, message) -> None:
    with pytest.raises(InputError, match=message):
        Mosaics(**settings)


def test_a_classifier_that_is_code_needs_trust(photos) -> None:
    spec = f"mosaics:{photos},classifier={SPEC},count=1"
    with pytest.raises(InputError, match="is code that would run; set trust=True"):
        load_data(spec)
    with pytest.raises(InputError, match="is code that would run"):
        Plan(data=spec).samples()
    assert len(Plan(data=spec, trust=True).samples()) == 1
    with pytest.raises(InputError, match="trust is not a setting of a run"):
        Plan(data=f"{spec},trust=true").check()


@pytest.mark.filterwarnings("ignore:.*torch.jit")
def test_a_classifier_that_is_a_program_needs_trust(photos, tmp_path) -> None:
    program = torch.jit.trace(colours().model, torch.zeros(1, 3, SIDE, SIDE))
    program.save(str(tmp_path / "program.pt"))
    spec = f"mosaics:{photos},classifier=file:{tmp_path / 'program.pt'},count=1"
    with pytest.raises(InputError, match="set trust=True if you trust its author"):
        load_data(spec)
    assert load_data(spec, trust=True)[0].photo(3).shape[1] > SIDE
    for trusting in ("'file:x.pt2,trust=true'", '"file:x.pt2,mean=0,trust=true"'):
        with pytest.raises(InputError, match="trust is not a setting of the classifier"):
            load_data(f"mosaics:{photos},classifier={trusting}", trust=True)


def test_a_classifier_has_settings_in_quotes(photos) -> None:
    path = photos.parent / "colours.safetensors"
    save_file(Colours(6).state_dict(), path)
    architecture = "architecture=tests.datasets.test_mosaics:network"
    settings = f"{architecture},mean=0,0,0,std=1,1,1"
    spec = f"mosaics:annotated:{photos},classifier='file:{path},{settings}',count=2"
    with pytest.raises(InputError, match="is code that would run"):
        load_data(spec)
    assert len(load_data(spec, trust=True)) == 2


def test_a_run_asks_for_a_quarter_of_the_input_and_its_report_loads_no_classifier(
    tmp_path, monkeypatch
) -> None:
    named_spec = SPEC.replace("colours", "named")
    data = folders(tmp_path / "data", ("yellow", "red", "blue", "green"))
    plan = make_plan(
        f"mosaics:{data},count=2,classifier={named_spec}", classifiers=(named_spec,),
        methods=("random",), metrics=("precision:share=1",), trust=True, save_maps=True,
    )  # fmt: skip
    rows = run_plan(plan, tmp_path / "run")
    for row in rows:
        name = names_in(Sample(row["photo"], torch.zeros))[int(row["photo"][-1]) - 1]
        assert NAMES[row["target"]] == name.split("/")[0]
        assert row["precision:share=1"] == 0.25
    monkeypatch.setattr(loading, "load", None)
    assert gallery.examples([tmp_path / "run"]) == []


def test_reports_know_that_a_classifier_would_be_loaded(photos) -> None:
    assert loads_classifier(f"mosaics:{photos}")
    assert not loads_classifier(str(photos))
    assert not loads_classifier(f"annotated:{photos}")
