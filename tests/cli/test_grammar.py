"""One grammar of parts in every command: `NAME[:setting=value,...]`, lists as separate words."""

from dataclasses import dataclass, field

import pytest

from tests.cli.conftest import MODEL
from unsee import InputError
from unsee.classifiers import loading
from unsee.cli import main
from unsee.datasets import _loading
from unsee.evaluation import loaded


@dataclass(frozen=True)
class Command:
    """A command with what it needs, and the options that name parts."""

    words: list[str]
    method: str = "--method"
    infiller: str = "--infiller"
    several: bool = False
    """Whether it takes several methods."""
    options: list[str] = field(default_factory=list)


COMMANDS = {
    "explain": Command(["explain", "PHOTO"]),
    "sweep": Command(["sweep", "PHOTO"]),
    "sanity": Command(["sanity", "PHOTO"]),
    "counterfactual": Command(["counterfactual", "PHOTO", "--contrast", "0"]),
    "compare": Command(["compare", "PHOTO"], "--methods", "--infillers", True),
    "evaluate": Command(["evaluate", "--data", "PHOTOS"], "--methods", "--infillers", True),
    "audit": Command(["audit", "PHOTOS"]),
    "sanity-labels": Command(["sanity-labels", "--data", "PHOTOS"], "--methods", several=True),
    "bench": Command(["bench"], "--methods", several=True),
    "evaluate-infill": Command(["evaluate-infill", "--data", "PHOTOS"], "", "--infillers"),
}
EXPLAINING = [name for name, command in COMMANDS.items() if command.method]
SEVERAL = [name for name, command in COMMANDS.items() if command.several]


class LoadedError(Exception):
    """Raised in place of loading anything."""


@pytest.fixture
def outcome(photo, tmp_path, capsys, monkeypatch):
    """Run a command until it would load something; return "accepted" or its error message."""

    def load(*arguments: object, **settings: object) -> None:
        raise LoadedError

    for command in ("evaluate_infill", "sanity_labels"):
        monkeypatch.setattr(f"unsee.cli.{command}.load_data", load)
    monkeypatch.setattr("unsee.evaluation.plan.load_data", load)
    monkeypatch.setattr(loading, "load", load)
    loaded.load_classifier.cache_clear()  # a classifier of another test would not be loaded again
    places = {"PHOTO": str(photo), "PHOTOS": str(photo.parent)}

    def run(command: str, *options: str) -> str:
        words = [places.get(word, word) for word in COMMANDS[command].words]
        out = [] if command == "bench" else ["--out", str(tmp_path / "out")]
        try:
            status = main([*words, *out, *options])
        except LoadedError:
            return "accepted"
        assert status == 2
        error = capsys.readouterr().err
        assert len(error.splitlines()) == 1
        return error

    return run


@pytest.mark.parametrize("infiller", ["painter:samples=4", "blur:sigma=10", "lama:big-lama.pt"])
@pytest.mark.parametrize("command", COMMANDS)
def test_infillers_take_settings(command, infiller, outcome) -> None:
    assert outcome(command, COMMANDS[command].infiller, infiller) == "accepted"


@pytest.mark.parametrize("method", ["rise:samples=40,cells=5", "recipe:fido-sdr:steps=3"])
@pytest.mark.parametrize("command", EXPLAINING)
def test_methods_take_settings_and_recipes(command, method, outcome) -> None:
    assert outcome(command, COMMANDS[command].method, method) == "accepted"


@pytest.mark.parametrize("words", [["rise", "box"], ["rise,box"], ["rise:samples=4,cells=5,box"]])
@pytest.mark.parametrize("command", SEVERAL)
def test_lists_are_words_or_names_with_commas(command, words, outcome) -> None:
    assert outcome(command, COMMANDS[command].method, *words) == "accepted"
    unknown = outcome(command, COMMANDS[command].method, *words, "bax")
    assert "did you mean 'box'" in unknown


@pytest.mark.parametrize("option", ["--classifier", "--classifiers"])
@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "sanity-labels"])
def test_classifier_option_has_two_spellings(command, option, outcome) -> None:
    assert outcome(command, option, MODEL) == "accepted"
    assert "'timm:resnet50'" in outcome(command, option, "resnet50")
    assert "of torchvision" in outcome(command, option, "torchvision:resnet18,wights=none")


@pytest.mark.parametrize("command", COMMANDS)
def test_unknown_settings_of_infillers_are_refused_before_loading(command, outcome) -> None:
    error = outcome(command, COMMANDS[command].infiller, "blur:sgima=3")
    assert "did you mean 'sigma'" in error
    error = outcome(command, COMMANDS[command].infiller, "blur:sigma=wide")
    assert "expected sigma = float, got 'wide'" in error


@pytest.mark.parametrize("command", EXPLAINING)
def test_unknown_settings_of_methods_are_refused_before_loading(command, outcome) -> None:
    error = outcome(command, COMMANDS[command].method, "rise:sampels=3")
    assert "did you mean 'samples'" in error
    error = outcome(command, COMMANDS[command].method, "fido:mode=sdd")
    assert "did you mean 'sdr'" in error


def test_data_sets_take_settings(tmp_path) -> None:
    with pytest.raises(InputError, match="did you mean 'labelled'"):
        _loading.load_data(f"image_folder:{tmp_path},labeled=false")
