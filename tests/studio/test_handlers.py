"""Errors on the page of the studio are one sentence, whatever happens."""

import warnings

import pytest

from tests.studio.conftest import TOY
from unsee import InputError
from unsee.errors import DEBUG

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    gr = pytest.importorskip("gradio")
    from unsee.studio.handlers import Handlers, choice_of, one_sentence, require
    from unsee.studio.shelf import Shelf


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (InputError("expected a photo,\ngot none"), "expected a photo, got none"),
        (MemoryError(), "out of memory"),
        (RuntimeError("CUDA out of memory. Tried to allocate 3 GiB"), "use smaller images"),
        (ZeroDivisionError("division by zero"), "this is a fault of unsee"),
    ],
)
def test_every_error_is_a_sentence(error, words, monkeypatch) -> None:
    monkeypatch.setenv(DEBUG, "0")

    @one_sentence
    def fails() -> None:
        raise error

    @one_sentence
    def fails_later():
        yield 1
        raise error

    with pytest.raises(gr.Error) as caught:
        fails()
    assert words in caught.value.message
    assert "\n" not in caught.value.message
    steps = fails_later()
    assert next(steps) == 1
    with pytest.raises(gr.Error, match=words):
        next(steps)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(InputError, match="no photo yet"):
        require(None)


def test_controls_become_a_choice() -> None:
    defaults = choice_of(
        "tide", "(that of the method)", "(the predicted class)", "(none)", "default", 0
    )
    assert (defaults.infiller, defaults.target, defaults.contrast, defaults.budget) == (None,) * 4
    own = choice_of(" rise ", "blur", "tabby", "beagle", "fast", 3.0)
    assert (own.method, own.infiller, own.target) == ("rise", "blur", "tabby")
    assert (own.contrast, own.budget, own.seed) == ("beagle", "fast", 3)


@pytest.mark.parametrize("is_bad_photo", [True, False])
def test_an_error_leaves_no_desk_and_no_result(photo, tmp_path, is_bad_photo, monkeypatch) -> None:
    monkeypatch.setenv(DEBUG, "0")
    handlers = Handlers(Shelf([TOY]))
    *_, opened = handlers.open(None, str(photo), TOY)
    desk = opened[0]
    (tmp_path / "text.jpg").write_text("no photo")
    bad = (str(tmp_path / "text.jpg"), TOY) if is_bad_photo else (str(photo), "no_such")
    steps = handlers.open(desk, *bad)
    values = [next(steps), next(steps)]
    with pytest.raises(gr.Error, match="not a photo" if is_bad_photo else "choose one of"):
        next(steps)
    assert desk.is_closed
    for value in values:
        assert value[0] is None
        assert len(value) == len(opened)
    assert "Drop another photo" in values[-1][7]
    assert ("not a photo" if is_bad_photo else "choose one of") in values[-1][7]


def test_a_choice_that_cannot_be_explained_keeps_the_earlier_result(photo) -> None:
    handlers = Handlers(Shelf([TOY]))
    *_, (desk, *_) = handlers.open(None, str(photo), TOY)
    rest = ("", "", "(none)", "default", 0)
    list(handlers.explain(desk, "rise:samples=400,cells=4", *rest))
    result = desk.result
    for choice in (("no_such", *rest), ("random", "", "no such class", "(none)", "default", 0)):
        steps = handlers.explain(desk, *choice)
        values = [next(steps), next(steps)]
        with pytest.raises(gr.Error):
            next(steps)
        assert desk.result is result
        assert "conclusion" in values[-1][0]
        assert all("__type__" in value for value in values[-1][1:])  # they stay as they are


def test_a_comparison_says_what_it_does_and_what_was_stopped(photo) -> None:
    handlers = Handlers(Shelf([TOY]))
    *_, (desk, *_) = handlers.open(None, str(photo), TOY)
    controls = ("", "", "(none)", "default", 0)
    steps = handlers.compare(desk, ["fido:steps=400,grid=8", "random"], *controls)
    assert "fido:steps=400,grid=8 is 1 of 2" in next(steps)[0]
    desk._rounds = stopping(desk)
    assert "fido:steps=400,grid=8, stopped after 1 of 400" in next(steps)[0]


def stopping(desk):
    """Return the rounds of a desk that the user stops in the first one."""
    rounds = desk._rounds

    def stopped(study):
        for step in rounds(study):
            desk.stop()
            yield step

    return stopped


def test_a_run_of_an_earlier_photo_shows_nothing(photo) -> None:
    handlers = Handlers(Shelf([TOY]))
    *_, (desk, *_) = handlers.open(None, str(photo), TOY)
    controls = ("rise:samples=400,cells=4", "", "", "", "default", 0)
    run = handlers.explain(desk, *controls)
    assert "begins" in next(run)[0]
    assert "studio-live" in next(run)[0]
    *_, (newer, *_) = handlers.open(desk, str(photo), TOY)
    assert list(run) == []
    assert newer is not desk
    *_, last = handlers.explain(newer, *controls)
    assert "evidence" in last[1]
