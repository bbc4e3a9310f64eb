"""The photos of a run in words."""

import pytest

from unsee.evaluation.manifest import Choice, RunManifest, Settings, Versions
from unsee.reports.photos import PhotoWords, counted


def manifest(photos, choice=None, **settings) -> RunManifest:
    values = {
        "data": "d", "classifiers": ("a",), "methods": ("m",), "infillers": ("own",),
        "metrics": ("gini",), "target": "label", "seed": 3, "precision": "float32",
    }  # fmt: skip
    return RunManifest(
        Settings(**(values | settings)), photos, Versions("0", "0"), photo_ids=None, choice=choice
    )


WORDS = {
    "20 photos of val": manifest(20),
    "1 photo of val": manifest(1, Choice(1), limit=1, subset="random"),
    "20 photos of the classes 0-4 of val": manifest(20, Choice(20), classes="0-4"),
    "the first 20 photos of val": manifest(20, limit=20),  # of an earlier version
    "15 photos of val": manifest(15, limit=20),
    "the first 20 photos of 50,000 of val": manifest(20, Choice(50_000), limit=20),
    "20 random photos of 50,000 of val (seed 3)": manifest(
        20, Choice(50_000), limit=20, subset="random"
    ),
    "20 stratified random photos of 99 of the classes 0-4 of val (seed 3)": manifest(
        20, Choice(99), limit=20, subset="stratified", classes="0-4"
    ),
    "20 random photos of 99 of val that a answers rightly (30 tried, seed 3)": manifest(
        20, Choice(99, 30, 10), limit=20, subset="random", correct=True
    ),
    "80 photos of 99 of val that a, b and c answer rightly (99 tried)": manifest(
        80, Choice(99, 99, 19), limit=90, subset="random", correct=True, classifiers=("a", "b", "c")
    ),
}


@pytest.mark.parametrize("words", WORDS)
def test_sentence(words) -> None:
    assert PhotoWords.of_run(WORDS[words]).sentence(WORDS[words], "val") == words


def test_runs_of_other_choices_have_photos_in_common_words() -> None:
    random = PhotoWords("random", " that a answers rightly")
    assert counted(30, [random, random]) == "30 random photos that a answers rightly"
    assert counted(30, [random, PhotoWords("first")]) == "30 photos"
    assert counted(1, [PhotoWords("stratified")]) == "1 stratified random photo"
