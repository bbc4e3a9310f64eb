"""The call that the studio writes gives the map that it showed."""

import shlex
import shutil

import pytest
import torch

from tests.studio.conftest import TOY
from unsee import Explanation
from unsee.classifiers import loading
from unsee.cli import main
from unsee.studio.desk import Choice, Desk
from unsee.studio.samples import name_for_user, sample_photos
from unsee.studio.shelf import Shelf


@pytest.mark.parametrize(
    ("method", "is_precise"),
    [("rise:samples=32,cells=4", True), ("fido:steps=3,grid=8", False)],
)
def test_written_calls_give_the_map(photo, monkeypatch, method, is_precise) -> None:
    monkeypatch.setattr(loading, "half_precision", lambda device: torch.bfloat16)
    monkeypatch.chdir(photo.parent)
    desk = Desk.open(str(photo), photo.name, Shelf([TOY]), TOY)
    list(desk.explain(Choice(method=method, target="1", contrast="0", seed=3)))
    assert desk.result is not None
    saliency = desk.result.study.explanation.saliency
    words = shlex.split(desk.call().shell())
    assert ("--precision" in words) == is_precise
    assert main([*words[1:], "--out", "out"]) == 0
    exec(compile(desk.call().python(), "call", "exec"), {})
    for folder in ("out/corner", "result"):
        assert torch.equal(Explanation.load(folder).saliency, saliency)


def test_photos_of_the_package_are_named_by_their_path(tmp_path) -> None:
    sample = sample_photos()[0]
    copy = str(shutil.copy(sample, tmp_path / sample.name))
    assert name_for_user(copy) == str(sample)
    (tmp_path / sample.name).write_bytes(b"another photo of that name")
    assert name_for_user(copy) == sample.name


def test_call_after_stop_says_that_the_map_ended_early(photo) -> None:
    desk = Desk.open(str(photo), photo.name, Shelf([TOY]), TOY)
    run = desk.explain(Choice(method="fido:steps=400,grid=8"))
    next(run)
    desk.stop()
    list(run)
    assert "of 400 units of work" in desk.call().shell()
