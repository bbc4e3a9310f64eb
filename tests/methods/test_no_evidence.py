"""Notes of maps that show no evidence: why, and what to try."""

from dataclasses import dataclass, replace

import pytest
import torch

from tests.conftest import Convolutional, small, toy
from unsee import Explanation, InputError, Study, create, explain
from unsee.errors import Note
from unsee.methods.base import Method, Progress, Traits, fixed_maps

UNLIKELY, LIKELY = 4, 3
"""Classes of `Convolutional` with the probabilities 2% and 57%."""


@dataclass(frozen=True)
class Empty(Method):
    """Return maps of zeros."""

    traits = Traits(measure="logit", may_be_empty=True)

    def iterate(self, score):
        yield Progress(1, 1, fixed_maps(torch.zeros_like(score.images[:, 0])))


def test_a_class_near_chance_has_a_note(images) -> None:
    network = toy(Convolutional(), labels=tuple("abcde"))
    result = explain(network, images[:2], small("rise"), targets=[LIKELY, UNLIKELY])
    assert result.notes[0] == ""
    assert result.notes[1].startswith("no evidence found for 'e': its probability in the photo, 2")
    assert "near chance or below (20% for 5 classes)" in result.notes[1]
    assert "measure='log_odds'" in result.notes[1]
    assert "another class" in result.notes[1]
    assert "budget='best'" in result.notes[1]


@pytest.mark.parametrize(("bias", "near"), [(-0.1, True), (0.1, False)])
def test_no_class_above_a_half_is_near_chance(bias, near, images) -> None:
    network = Convolutional(1)
    torch.nn.init.zeros_(network.head.weight)
    torch.nn.init.constant_(network.head.bias, bias / 10)
    result = explain(toy(network, outputs="binary"), images[:1], Empty(), targets=1)
    assert ("near chance" in result.notes[0]) == near


@pytest.mark.parametrize("outputs", ["sigmoid", "regression"])
def test_labels_and_values_have_no_chance_level(outputs, images) -> None:
    network = toy(Convolutional(), outputs=outputs)
    measure = "logit" if outputs == "regression" else None
    result = explain(network, images[:1], small("rise"), targets=UNLIKELY, measure=measure)
    assert result.notes == [""]


def test_an_empty_map_has_a_note(images) -> None:
    (note,) = explain(toy(Convolutional()), images[:1], Empty(), targets=LIKELY).notes
    assert "the map has the same value everywhere, as the method omits negative evidence" in note
    assert note.endswith("try another class or another method")  # neither passes nor log-odds help


def test_the_map_of_one_colour_has_a_note() -> None:
    colour = torch.full((1, 3, 32, 32), 0.5)
    study = Study.of(toy(Convolutional()), colour, small("sliding_patch"), infiller="mean")
    (note,) = study.finish().notes
    assert "the map has the same value everywhere" in note


def test_a_map_that_shows_no_importance_has_no_note(images) -> None:
    method = create("methods", "variational", weights="random", reading="deviation")
    assert explain(toy(Convolutional()), images[:1], method, targets=UNLIKELY).notes == [""]
    assert explain(toy(Convolutional()), images[:1], "random", targets=UNLIKELY).notes == [""]


def test_a_larger_budget_is_suggested_below_the_largest_only(images) -> None:
    notes = [
        explain(toy(Convolutional()), images[:1], "rise", targets=UNLIKELY, budget=n).notes[0]
        for n in (20, 3200)
    ]
    assert ["a larger budget" in note for note in notes] == [True, False]


def test_the_shell_reads_options(images) -> None:
    study = Study.of(toy(Convolutional()), images[:1], small("rise"), targets=UNLIKELY)
    study.words = Note.in_shell
    (note,) = study.finish().notes
    assert "--measure log_odds" in note
    assert "--budget best" in note
    assert "=" not in note


def test_notes_are_stored_and_follow_their_image(images, tmp_path) -> None:
    result = explain(toy(Convolutional()), images[:2], small("rise"), targets=[LIKELY, UNLIKELY])
    assert [one.notes for one in result] == [[result.notes[0]], [result.notes[1]]]
    result.save(tmp_path / "out")
    assert Explanation.load(tmp_path / "out").notes == result.notes
    earlier = {key: value for key, value in result.provenance.items() if key != "note"}
    assert replace(result, provenance=earlier).notes == ["", ""]


def test_refused_maps_are_named_in_the_language_of_the_caller(images) -> None:
    network = Convolutional()
    torch.nn.init.zeros_(network.head.weight)
    with pytest.raises(InputError, match="no evidence found") as error:
        explain(toy(network), images[:1], small("sliding_patch"))
    assert "(measure='log_odds')" in str(error.value)
    assert "(--measure log_odds)" in error.value.in_shell()
