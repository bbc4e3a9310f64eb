"""What users of the studio do, without the page."""

import base64
import io
import threading
import weakref

import numpy as np
import pytest
import torch
from PIL import Image

from tests.studio.conftest import TOY
from unsee import Against, InputError, explain
from unsee.images import reading
from unsee.results.values import values_of
from unsee.studio import shelf as shelf_module
from unsee.studio.desk import Choice, Desk
from unsee.studio.shelf import KEPT, Shelf
from unsee.studio.strip import POINTS, strips


@pytest.fixture
def desk(photo):
    return Desk.open(str(photo), "corner.png", Shelf([TOY]), TOY)


def explained(desk, **choice):
    return list(desk.explain(Choice(method="rise:samples=128,cells=4", **choice)))


def painted_corner(side=24, size=24) -> str:
    pixels = np.zeros((size, size, 4), np.uint8)
    pixels[: side // 2, : side // 2] = 255
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"


def test_answers_are_those_of_the_classifier(desk, photo) -> None:
    answers = desk.answers()
    image = desk.classifier.framing.show(reading.read(photo).pixels)
    row = desk.classifier.probabilities(image)[0]
    assert [answer.value for answer in answers] == pytest.approx(sorted(row.tolist())[::-1])
    assert answers[0].name == desk.classifier.label(int(row.argmax()))


def test_result_is_that_of_the_library(desk, photo) -> None:
    moments = explained(desk, seed=2)
    assert moments[-1].done == moments[-1].total
    expected = explain(desk.classifier, str(photo), "rise", samples=128, cells=4, seed=2)
    assert torch.equal(desk.study.explanation.saliency, expected.saliency)
    assert desk.call().method == "rise:samples=128,cells=4"
    assert desk.call().seed == 2


def test_contrast_explains_a_class_against_another(desk, photo) -> None:
    explained(desk, target="1", contrast="0")
    expected = explain(
        desk.classifier, str(photo), "rise", samples=128, cells=4, targets="1", measure=Against("0")
    )
    saliency = desk.study.explanation.saliency
    assert torch.equal(saliency, expected.saliency)
    assert "Against" in desk.call().python()
    explained(desk, target="1")
    assert not torch.equal(saliency, desk.study.explanation.saliency)
    with pytest.raises(InputError, match="class"):
        explained(desk, contrast="no such class")


def test_stop_keeps_the_map_so_far(desk) -> None:
    run = desk.explain(Choice(method="fido:steps=400,grid=8"))
    next(run)
    desk.stop()
    list(run)
    done, total = desk.study.explanation.provenance["ended_early"]
    assert done <= 2
    assert total == 400
    assert desk.result is not None


def test_slider_ends_at_the_photo_and_the_background(desk) -> None:
    explained(desk)
    with desk.assessed() as result:
        content = strips(result)
    whole = values_of(desk.classifier, desk.image)[0]
    for direction, index in (("remove", 0), ("reveal", -1)):
        strip = content[direction]
        assert len(strip["pictures"]) == len(strip["shares"]) == POINTS
        values = strip["values"][index]
        for name, value in zip(content["classes"], values, strict=True):
            assert value == pytest.approx(whole[int(name)].item(), abs=1e-4)
    first = content["remove"]["values"]
    assert first[0][0] > first[-1][0]  # the evidence is gone at the end
    assert content["reveal"]["answers"][-1] == content["remove"]["answers"][0]


def test_brush_removes_or_keeps_what_is_painted(desk) -> None:
    desk.paint(painted_corner())
    assert desk.painted.sum() == 144
    picture, after, before = desk.show(keep=False, infiller="grey")
    assert before[0].value != after[0].value
    bright = {answer.name: answer.value for answer in after}["1"]
    picture, after, _ = desk.show(keep=True, infiller="grey")
    assert picture.shape == (24, 24, 3)
    assert {answer.name: answer.value for answer in after}["1"] > bright


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("data:image/png;base64,%%%", "cannot be read"),
        ("data:text/html;base64,aGFsbG8=", "expected the painted pixels"),
        ("data:image/png;base64,aGFsbG8=", "not a photo"),
        (painted_corner(size=30), "of another photo"),
    ],
)
def test_what_is_no_painted_picture_is_refused(desk, address, words) -> None:
    with pytest.raises(InputError, match=words):
        desk.paint(address)


def test_comparison_goes_on_after_a_method_that_fails(desk) -> None:
    choices = [Choice(method="rise:samples=16"), Choice(method="no_such"), Choice(method="random")]
    *_, entries = desk.compare(choices)
    assert [bool(entry.error) for entry in entries] == [False, True, False]
    assert "unknown method" in entries[1].error


def test_photo_of_a_user_is_named_in_messages(tmp_path) -> None:
    (tmp_path / "upload-1234").write_text("no photo")
    with pytest.raises(InputError, match=r"^cat\.jpg: not a photo"):
        Desk.open(str(tmp_path / "upload-1234"), "cat.jpg", Shelf([TOY]), TOY)


def test_only_offered_classifiers_and_never_code() -> None:
    closed, opened = Shelf([TOY]), Shelf([TOY], is_open=True)
    with pytest.raises(InputError, match="choose one of"):
        closed.get("efficientnet_lite0", closed)
    with pytest.raises(InputError, match="Python code"):
        opened.get("tests.toys:classifier", opened)
    with pytest.raises(InputError, match="unknown classifier source"):
        opened.get("no_such_classifier", opened)


class User:
    """Any object that can be referenced weakly."""


NAMES = [f"factory:tests.toys:{name}" for name in ("classifier", "corner", "two_sides")]


def test_users_share_classifiers_but_not_counts() -> None:
    shelf, users = Shelf(NAMES), (User(), User())
    first, second = (shelf.get(NAMES[0], user) for user in users)
    assert first.model is second.model
    assert first.passes is not second.passes
    assert shelf.get(NAMES[0], users[0]) is first
    for name in NAMES[1:]:
        shelf.get(name, users[0])
    assert len(shelf._loaded) == KEPT


@pytest.mark.parametrize("method", ["rise:samples=16,cells=4", "fido:steps=2", "gradient", "tide"])
def test_an_evicted_classifier_leaves_the_memory(photo, method) -> None:
    shelf = Shelf(NAMES)
    desk = Desk.open(str(photo), "corner.png", shelf, NAMES[1])
    network = weakref.ref(desk.classifier.model)
    list(desk.explain(Choice(method=method, budget="30" if method == "tide" else None)))
    with desk.assessed() as result:
        before = strips(result)
    list(desk.compare([Choice(method="random")]))
    assert network() is not None
    for name in (NAMES[0], NAMES[2]):
        shelf.get(name, shelf)
    assert network() is None
    with desk.assessed() as result:  # it is loaded again
        assert strips(result) == before
    assert desk.answers()


def test_a_result_keeps_its_network_while_anyone_needs_it(desk) -> None:
    explained(desk)
    written = []

    def write() -> None:
        with desk.assessed() as result:
            written.append(strips(result))

    with desk.assessed() as result:
        thread = threading.Thread(target=write)
        thread.start()
        thread.join(1)
        expected = strips(result)
    thread.join(60)
    assert written == [expected]


def test_one_classifier_is_had_while_another_is_loaded(monkeypatch) -> None:
    shelf, begun, may_end = Shelf(NAMES), threading.Event(), threading.Event()
    load = shelf_module.load

    def slow(spec, **settings):
        if spec == NAMES[0]:
            begun.set()
            assert may_end.wait(60)
        return load(spec, **settings)

    monkeypatch.setattr(shelf_module, "load", slow)
    received = []
    thread = threading.Thread(target=lambda: received.append(shelf.get(NAMES[0], shelf)))
    thread.start()
    assert begun.wait(60)
    other = threading.Thread(target=lambda: received.append(shelf.get(NAMES[1], shelf)))
    other.start()
    other.join(60)
    assert len(received) == 1
    may_end.set()
    thread.join(60)
    assert len(received) == 2
