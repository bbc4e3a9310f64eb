"""Progress, callbacks, films, an early end, and what notebooks show."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from tests.conftest import small
from unsee import Explanation, InputError, Study, explain
from unsee.output.bars import NotebookBar, TerminalBar, bar


def test_callback_sees_every_round_and_ends_the_run(network, images) -> None:
    seen = []
    whole = explain(network, images, small("fido", steps=5), callback=seen.append)
    assert [step.done for step in seen] == [1, 2, 3, 4, 5]
    assert seen[-1].saliency().shape == (3, 32, 32)
    assert "ended_early" not in whole.provenance
    short = explain(network, images, small("fido", steps=5), callback=lambda step: step.done < 2)
    assert short.provenance["ended_early"] == [2, 5]
    torch.testing.assert_close(short.saliency, seen[1].saliency())
    assert short.provenance["cost"]["forwards"] < whole.provenance["cost"]["forwards"]


def test_an_early_end_keeps_the_seeds_that_are_finished(network, images) -> None:
    method = small("rise", samples=64)
    one = explain(network, images, method)
    ended = explain(
        network, images, method, repeats=3, callback=lambda step: step.done <= step.total / 3
    )
    torch.testing.assert_close(ended.saliency, one.saliency)
    assert ended.provenance["repeats"] == 1
    assert ended.deviation is None


def test_a_study_without_a_finished_round_cannot_be_stopped(network, images) -> None:
    study = Study.of(network, images, small("fido", steps=3))
    with pytest.raises(InputError, match="a finished round"):
        study.stop()


def test_frames_are_kept_saved_and_shown(network, images, tmp_path) -> None:
    explanation = explain(network, images[:2], small("fido", steps=12), frames=4)
    assert explanation.frames.shape == (4, 2, 32, 32)
    assert torch.equal(explanation.frames[-1], explanation.saliency)
    assert explanation[1].frames.shape == (4, 1, 32, 32)
    explanation.save(tmp_path / "out")
    assert torch.equal(Explanation.load(tmp_path / "out").frames, explanation.frames)
    with Image.open(explanation.animate(tmp_path / "film.gif")) as film:
        assert film.n_frames == 4
        first = film.convert("RGB").tobytes()
        film.seek(3)
        assert film.convert("RGB").tobytes() != first
    assert explanation.animate(tmp_path / "film.mp4", seconds=1).stat().st_size > 1000
    with pytest.raises(InputError, match=r"film\.gif exists"):
        explanation.animate(tmp_path / "film.gif")
    with pytest.raises(InputError, match=r"ends in \.gif or \.mp4"):
        explanation.animate(tmp_path / "film.avi")
    with pytest.raises(InputError, match="explain with frames=24"):
        explain(network, images, small("fido", steps=2)).animate(tmp_path / "none.gif")


def test_fewer_rounds_than_frames(network, images) -> None:
    assert explain(network, images, small("fido", steps=2), frames=9).frames.shape[0] == 2
    assert explain(network, images, small("fido", steps=2), frames=1).frames.shape[0] == 1


def test_one_image_has_the_panel_and_a_page(network, images) -> None:
    explanation = explain(network, images[:1], small("fido", steps=3))
    page = explanation._repr_html_()
    assert page.count("<img") == 4
    assert "Evidence removed" in page or "removed" in page
    assert len(explanation.plot().axes) >= 6
    copied = pickle.loads(pickle.dumps(explanation))
    assert copied.view is None
    assert torch.equal(copied.saliency, explanation.saliency)


def test_several_images_have_a_row_each_and_names_are_escaped(network, images) -> None:
    explanation = explain(network, images, small("fido", steps=2))
    for target in explanation.provenance["target"]:
        target["name"] = "<script>"
    page = explanation._repr_html_()
    assert page.count("<img") == 9
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    many = explain(network, images[:1].expand(10, -1, -1, -1), "random")
    assert "2 more are not shown" in many._repr_html_()


def test_progress_is_silent_where_nobody_looks(network, images, capsys) -> None:
    explain(network, images, small("fido", steps=3), progress=True)
    assert capsys.readouterr() == ("", "")


def test_bars_for_terminals_and_notebooks(monkeypatch) -> None:
    assert isinstance(bar("fido"), TerminalBar)
    shown = []

    class Handle:
        def update(self, page) -> None:
            shown.append(page)

    class ZMQInteractiveShell:
        pass

    interactive = type(sys)("IPython")
    interactive.get_ipython = ZMQInteractiveShell
    display = type(sys)("IPython.display")
    display.HTML, display.display = str, lambda page, display_id: Handle()
    monkeypatch.setitem(sys.modules, "IPython", interactive)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    with bar("a <b>") as line:
        assert isinstance(line, NotebookBar)
        line.update(3, 7, "loss 0.5")
    assert "3 of 7 loss 0.5" in shown[0]
    assert "a &lt;b&gt;" in shown[0]
    assert shown[-1] == ""


PROGRAM = """
import os, signal, torch
from tests.conftest import Convolutional, toy
from unsee import explain
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
def interrupt(step):
    if step.done == 4:
        for _ in range(TIMES):
            os.kill(os.getpid(), signal.SIGINT)
images = torch.rand(1, 3, 32, 32)
explanation = explain(toy(Convolutional()), images, "fido", grid=8, steps=50, callback=interrupt)
print(explanation.provenance["ended_early"])
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    print("as before")
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_returns_the_map_so_far_and_a_second_one_stops(times) -> None:
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("TIMES", str(times))],
        capture_output=True, text=True, cwd=Path(__file__).parents[1], timeout=120, check=False,
    )  # fmt: skip
    assert "returns the map so far" in run.stderr
    if times == 1:
        assert run.stdout.split("\n")[:2] == ["[4, 50]", "as before"]
    else:
        assert run.stderr.rstrip().endswith("KeyboardInterrupt")
