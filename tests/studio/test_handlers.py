"""Errors on the page of the studio are one sentence, whatever happens."""

import warnings

import pytest

from unsee import InputError
from unsee.errors import DEBUG

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    gr = pytest.importorskip("gradio")
    from unsee.studio.handlers import choice_of, one_sentence, require


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
