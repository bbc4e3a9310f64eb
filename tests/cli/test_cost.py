"""Estimates of the duration, before most of the time is spent."""

import pytest

from tests.cli.conftest import MODEL
from unsee.cli import cost, main


class Clock:
    """A clock that moves when it is read, so that no test depends on the speed of a machine."""

    def __init__(self, tick: float) -> None:
        self.tick, self.now = tick, 0.0

    def __call__(self) -> float:
        self.now += self.tick
        return self.now


@pytest.fixture
def slow(monkeypatch):
    """Each look at the clock takes five minutes."""
    monkeypatch.setattr(cost, "perf_counter", Clock(300.0))


@pytest.mark.parametrize(
    ("seconds", "words"), [(12, "12 seconds"), (720, "12 minutes"), (9000, "2.5 hours")]
)
def test_durations_are_words(seconds, words) -> None:
    assert cost.duration(seconds) == words


def test_an_estimate_follows_from_the_first_steps(monkeypatch, capsys) -> None:
    clock = Clock(1.0)
    monkeypatch.setattr(cost, "perf_counter", clock)
    forecast = cost.Forecast("100 photos x tide", 100)
    forecast.begin()
    for step in range(1, 100):
        forecast.step(step, 100)
    forecast.end()
    # one second of preparation, then a second for each of 100 steps, 100 times
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "unsee: about 2.8 hours: 100 photos x tide"


def test_short_work_is_not_announced(monkeypatch, capsys) -> None:
    monkeypatch.setattr(cost, "perf_counter", Clock(0.1))
    forecast = cost.Forecast("2 photos", 2)
    for step in range(40):
        forecast.step(step, 40)
    forecast.end()
    assert capsys.readouterr().err == ""


PHOTO = ["PHOTO", "--classifier", MODEL]
LONG = {
    "explain": ["PHOTOS", "--classifier", MODEL, "--method", "rise:samples=300"],
    "compare": [*PHOTO, "--methods", "rise:samples=300", "box"],
    "sweep": [*PHOTO, "--method", "rise", "--setting", "samples=200,300"],
    "sanity": [*PHOTO, "--method", "rise:samples=70", "--layers", "1"],
    "evaluate": ["--data", "PHOTOS", "--classifier", MODEL, "--methods", "rise:samples=300",
                 "--target", "top1", "--metrics", "entropy"],
    "evaluate-infill": ["--data", "PHOTOS", "--classifier", MODEL, "--recognition-classifier",
                        MODEL, "--infillers", "grey", "--tasks", "cells"],
}  # fmt: skip


@pytest.mark.parametrize("command", LONG)
def test_a_long_command_says_so_once(command, photo, tmp_path, capsys, slow) -> None:
    photos = tmp_path / "photos"
    for name in ("0", "1"):
        (photos / name).mkdir(parents=True)
        (photos / name / "1.png").write_bytes(photo.read_bytes())
    places = {"PHOTO": str(photo), "PHOTOS": str(photos)}
    words = [places.get(word, word) for word in LONG[command]]
    assert main([command, *words, "--out", str(tmp_path / "out")]) == 0
    estimates = [line for line in capsys.readouterr().err.splitlines() if "about" in line]
    assert len(estimates) == 1
    assert estimates[0].startswith("unsee: about ")


@pytest.mark.parametrize("command", ["compare", "evaluate"])
def test_a_short_command_says_nothing(command, photo, tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setattr(cost, "perf_counter", Clock(1e-6))
    places = {"PHOTO": str(photo), "PHOTOS": str(photo.parent)}
    words = [places.get(word, word) for word in LONG[command]]
    main([command, *words, "--out", str(tmp_path / "out")])
    assert "about" not in capsys.readouterr().err
